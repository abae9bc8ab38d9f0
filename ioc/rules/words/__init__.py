"""What rules are told with in plain words of both languages: clauses, durations, measures, and what a kind may add."""
