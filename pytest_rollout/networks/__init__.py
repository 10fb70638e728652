"""Where a stage runs: chains with named accounts, time that can be moved, and snapshots."""
