"""A score file from its arrival to the published scores. [S-1 … S-13]"""
