"""PostgreSQL itself: connections with deadlines, the pool, addresses, wake-ups, scope and migrations."""
