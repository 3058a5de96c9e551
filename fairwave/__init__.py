"""The project: settings, addresses, checks, and the embedded PostgreSQL."""
