"""Drills: a gate run against deliberate faults, and which of them it did not notice."""
