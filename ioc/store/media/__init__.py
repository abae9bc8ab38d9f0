"""Pictures and papers in PostgreSQL: kept within bounds, attached to events, shown inside walls, removed."""
