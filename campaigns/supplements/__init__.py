"""Corrected rejected rows become a new score file. [S-14]"""
