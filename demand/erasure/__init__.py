"""A fan is taken out of the archive's files and tables. [X-11]"""
