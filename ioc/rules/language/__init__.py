"""What a rule is, once read: its kind, clauses, schedule, place and texts; frozen values."""
