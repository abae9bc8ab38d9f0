"""The duty roster: shifts and their history, changes of them, and how people read them."""
