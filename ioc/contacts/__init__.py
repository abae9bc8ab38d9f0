"""Who is to be called about an alert (pure)."""
