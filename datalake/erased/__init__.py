"""Fans who were erased: how they are known, and what stands for them. [X-11]"""
