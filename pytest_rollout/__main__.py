"""``python -m pytest_rollout`` is ``rollout``."""

import sys

from pytest_rollout.cli import main

sys.exit(main())
