"""Avro files: containers block by block, records encoded by columns or one by one. [L-1, L-9]"""
