"""The log: append once per identity at commit-ordered positions, read by cursor; what was refused; its partitions."""
