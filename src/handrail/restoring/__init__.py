"""Ways back: what a rollback does, and what it costs."""
