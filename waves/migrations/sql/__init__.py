"""What the migrations of waves say in SQL, by subject: keys of several columns, functions and
triggers.
"""
