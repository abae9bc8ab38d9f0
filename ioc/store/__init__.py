"""PostgreSQL: the only room with SQL, from the log and the alerts down to the embedded server."""
