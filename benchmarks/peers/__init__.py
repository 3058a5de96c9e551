"""What a user would take instead of Fairwave, at its best, for the same rows and into a table like
ours.
"""
