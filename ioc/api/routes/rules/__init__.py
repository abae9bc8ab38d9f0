"""Rules, edits of them, backtests, drills."""
