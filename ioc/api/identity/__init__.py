"""Who asks: cookies, keys, passwords, and how guessing slows down."""
