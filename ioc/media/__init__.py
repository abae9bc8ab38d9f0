"""Pictures and papers that people attach: told by their first bytes, drawn anew in a process of its own."""
