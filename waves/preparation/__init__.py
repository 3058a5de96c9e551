"""A wave is asked for and prepared, all or nothing. [W-4 … W-9]"""
