"""Foreign formats: bodies that others write, read as events of our feeds. A folder for each format; the registry."""
