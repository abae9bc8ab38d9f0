"""Rules in plain words of both languages."""
