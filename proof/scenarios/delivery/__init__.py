"""Proofs that what was acknowledged is kept once and reaches everybody, whatever fails meanwhile."""
