"""Window: aggregates over a stretch of time."""
