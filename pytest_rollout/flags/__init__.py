"""Feature flags through OpenFeature: what they say, to whom, and to how many."""
