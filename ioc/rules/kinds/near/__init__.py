"""Near: points that lie close to each other within a time."""
