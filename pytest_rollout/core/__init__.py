"""Values and rules: the standard library alone; no clock, no I/O, no pytest."""
