"""The process that plans and runs one query. It is started without environment, credentials and
database, and imports nothing of the product but this package. [L-8]
"""
