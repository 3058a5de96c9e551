"""Faults that are seeded into the product, and the presale in which they are found. [X-14]"""
