"""What guides can do on Linux hosts without code of their own: carry out a product's own commands, and secure files."""
