"""``pytest --stage=…`` and ``rollout gate``: the supervisor's own entry point."""

import sys

from pytest_rollout.runner.supervisor import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
