"""The supervisor: pins the manifest, writes "run started", starts the recorder, judges what it recorded.

Nothing here imports pytest or any code of the project under judgement.
"""
