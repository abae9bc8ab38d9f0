"""Rules in force, their history and health, the engine's memory, packs, backtests."""
