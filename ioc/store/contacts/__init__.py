"""The directory: units, contacts and their history, changes of them, and how people read them."""
