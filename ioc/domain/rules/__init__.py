"""A rule as people handle it: its form and its health."""
