"""E-mail through any Django backend. [N-5]"""
