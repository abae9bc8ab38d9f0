"""From a stored row to JSON: only what is named here leaves the house."""
