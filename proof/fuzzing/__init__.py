"""Fuzzing: hostile bytes against what reads them, judged by what must hold whatever comes."""
