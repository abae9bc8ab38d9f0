"""Backtests: asked for from the command line or the screens, run one at a time as a child."""
