"""A change event becomes a record or an error. [BR-001 … BR-011, D-2 … D-4]"""
