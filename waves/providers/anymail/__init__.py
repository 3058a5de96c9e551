"""E-mail through the HTTP API of one of django-anymail's providers. [N-5]"""
