"""One view for each page; it checks a permission and calls one function."""
