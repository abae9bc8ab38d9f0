"""The routes, by group of nouns."""
