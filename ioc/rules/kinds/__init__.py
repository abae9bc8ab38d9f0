"""The kinds of rules, each with what it does beside levels and alerts."""
