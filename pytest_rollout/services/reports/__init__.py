"""Reports that programs write, read into counts: one module a format."""
