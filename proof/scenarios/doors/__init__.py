"""Proofs that a door stays open to honest senders, whoever else comes and whatever he sends."""
