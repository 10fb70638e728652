"""What can be read about a contract beyond its own views: one module a subject, each a table of looks."""
