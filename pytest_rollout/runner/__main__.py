"""``pytest --stage=…`` and ``rollout gate``: the supervisor's own entry point.

The recorder starts before the rest is imported, for it has pytest to import. No plugin of
pydantic's is looked for in the environment, and nothing is garbage in so short a life.
"""

import gc
import os
import sys

from pytest_rollout.runner.recorder import Recorder


def _main() -> int:
    gc.disable()
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "1"
    recorder = Recorder()
    from pytest_rollout.runner.supervisor import main  # noqa: PLC0415 - see above

    status = main(sys.argv[1:], recorder)
    gc.freeze()
    return status


if __name__ == "__main__":
    sys.exit(_main())
