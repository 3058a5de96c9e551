"""COPY and advisory locks of PostgreSQL."""
