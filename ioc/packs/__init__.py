"""A city as data: its feeds, areas, devices and rules, read strictly and checked with file and line."""
