"""The same fold again: backtests, timelines, and the check of the alerts that are stored."""
