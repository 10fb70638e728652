"""Reference and candidate engines, the dual run around them, replay, and the nodes they run on."""
