"""A fan is taken out of waves, codes and messages. [X-11]"""
