"""The independent evaluator: what docs/rules.md says of a log, worked out with nothing of the engine."""
