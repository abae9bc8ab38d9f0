"""From a feed to events: the doors, what they decode, adapt and check, the batch that is stored and acknowledged."""
