"""Where samples come from: one source a module, all behind one protocol."""
