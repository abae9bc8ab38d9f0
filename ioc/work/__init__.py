"""What people do with alerts, as one table, and what their actions make of an alert's work columns (pure)."""
