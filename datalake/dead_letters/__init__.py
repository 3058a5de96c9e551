"""Records that a consumer could not take: found, replayed, settled. [T-1]"""
