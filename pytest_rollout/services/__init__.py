"""Services: what a runbook runs by hand, and the endpoints it asks."""
