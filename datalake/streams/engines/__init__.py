"""Where streams are kept: one module for each engine. [T-1]"""
