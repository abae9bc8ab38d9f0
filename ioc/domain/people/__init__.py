"""People and machines that ask: accounts, keys, and what each may do."""
