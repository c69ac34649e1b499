"""Reading facts from hosts. Checks, discovery and drift look through the same eyes: what stands here."""
