"""Estate and guides to findings: facts, roads, rules. Pure."""
