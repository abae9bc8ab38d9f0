"""What must hold after a run: the tables of an instance against the witness, and what it derived against its log."""
