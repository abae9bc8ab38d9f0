"""Histories: logs that are written or drawn, for the engine and the independent evaluator to read alike."""
