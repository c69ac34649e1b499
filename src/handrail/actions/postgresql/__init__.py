"""PostgreSQL: servers, clusters, their content, and what carries them from one major version to another."""
