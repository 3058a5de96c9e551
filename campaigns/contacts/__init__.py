"""E-mail addresses and phone numbers: well-formed, refused by a list, or usable. [S-4 … S-6]"""
