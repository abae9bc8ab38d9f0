"""Areas, and where something is."""
