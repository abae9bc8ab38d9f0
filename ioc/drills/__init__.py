"""Drills and tours: an instance on its own clock, its conductor, and who starts them from the screens."""
