"""A fan list's file of ranks becomes a score file. [S-15]"""
