"""The nouns: pure values that an operator would name. No room below them, no I/O in them."""
