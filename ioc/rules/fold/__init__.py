"""The fold: (rules, memory, entry) to transitions, and what is told of each."""
