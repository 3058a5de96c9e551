"""Database and lake, compared by type and day. [L-9, X-9]"""
