"""The wall around a caller: what they may see, and what a change of theirs may reach."""
