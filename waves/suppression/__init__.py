"""Contacts that get no messages any more, as keyed hashes: how they come onto the list, how they
leave it, and how waves ask it. [N-8]
"""
