"""The duty roster: shifts, patterns, and who is on duty."""
