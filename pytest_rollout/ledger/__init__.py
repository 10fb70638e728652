"""The record: entries that only grow, each bound to all before it, read back after every write."""
