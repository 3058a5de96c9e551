"""What in a score file looks made by machines: found, kept with the file, put on lists. [X-13]"""
