"""What the command line does beside starting roles: checks, registry, people, imports, replay."""
