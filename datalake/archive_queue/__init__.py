"""Archives that are asked for by a message. [L-5]"""
