"""What every process of the house runs on, and knows nothing of what the process does."""
