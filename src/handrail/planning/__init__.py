"""Estate and guides to a frozen plan: steps, order, states in between, ways back. Pure."""
