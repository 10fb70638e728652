"""SQL databases opened so that they cannot be written: what the rooms that ask one have in common."""
