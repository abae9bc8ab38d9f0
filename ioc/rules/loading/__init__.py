"""From a rule's YAML to a frozen rule, each fault told with its line and a hint."""
