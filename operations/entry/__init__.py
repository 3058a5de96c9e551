"""The door: what may enter, in files, forms, addresses, headers and commands. [C-2]"""
