"""The duty roster, pure: who is on duty at a moment, where nobody is, and what a repeating pattern makes."""
