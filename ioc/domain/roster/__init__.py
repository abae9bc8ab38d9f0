"""The duty roster: shifts, who stands in for a part of one, and who is on duty at a moment."""
