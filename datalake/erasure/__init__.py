"""A fan is taken out of streams, dead letters and the lake. [X-11]"""
