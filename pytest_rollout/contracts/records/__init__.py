"""Deployment records as other tools leave them: one reader a format, one book of what they say."""
