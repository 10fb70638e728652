"""The process around one engine: ``python -m pytest_rollout.consensus.child TARGET FOLDER``.

Lines come in on its standard input and go out on a descriptor of its own; whatever the engine
prints goes nowhere. It ends when its input ends, and when the process that started it is gone.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pytest_rollout.consensus.loading import import_with_tokens, version_of
from pytest_rollout.core.answer import Answer, refusal_of
from pytest_rollout.core.errors import EngineError

_LOOK_SECONDS = 1.0


def main(target: str, folder: str) -> None:
    """Serve until nobody asks."""
    _end_with_parent()
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    engine: Any = None
    tokens: list[str] = []
    trouble = ""
    try:
        engine, tokens = import_with_tokens(target, Path(folder))
    except EngineError as error:
        trouble = str(error)
    for line in sys.stdin.buffer:
        question = json.loads(line)
        if "hello" in question:
            said = {"error": trouble} if trouble else {"version": version_of(engine), "tokens": tokens}
        else:
            said = _verify(engine, question["pickle"])
        out.write(json.dumps(said).encode() + b"\n")


def _verify(engine: Any, pickled: str) -> dict[str, Any]:
    try:
        value = engine.verify_block(pickle.loads(base64.b64decode(pickled)))  # noqa: S301 - from our own parent
        return Answer(value=value).document()
    except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
        return Answer(refusal=refusal_of(error, {})).document()


def _end_with_parent() -> None:
    """An engine that hangs never reads that its input ended, so a thread looks whether the parent is still there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
