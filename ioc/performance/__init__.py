"""How well alerts are handled, and how noisy they are."""
