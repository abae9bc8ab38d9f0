"""The account of each source: what was received and what became of it, how complete and how late it is."""
