"""A fan is found, and what is known of them is said without saying more than is known. [X-1]"""
