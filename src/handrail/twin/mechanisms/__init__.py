"""What Windows does underneath its console tools: files, registry, services, installer, databases, keys, boots."""
