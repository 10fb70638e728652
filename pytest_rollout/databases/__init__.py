"""Databases: looked at and never written, their migrations run on copies."""
