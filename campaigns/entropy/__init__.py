"""The public source of an open campaign: it may be moved once, its value is entered once, fetched
where it is a drand round, and all of that is public. [S-8]
"""
