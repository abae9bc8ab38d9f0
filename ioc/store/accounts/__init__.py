"""People, their sessions and browsers, and how much each may ask."""
