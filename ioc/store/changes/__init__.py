"""The change feed: written with every change that people see, read by position."""
