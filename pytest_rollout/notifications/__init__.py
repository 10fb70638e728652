"""Who is told when a verdict or a stage changes; what cannot be delivered changes no verdict."""
