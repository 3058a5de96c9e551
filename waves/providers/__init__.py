"""Providers of SMS and e-mail: one folder for each, asked for by its name in the settings. [N-1]"""
