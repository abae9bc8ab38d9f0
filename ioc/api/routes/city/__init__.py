"""The city: areas, domains, feeds, events, series, air."""
