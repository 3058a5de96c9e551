"""Messages are sent, retried, counted and settled. [N-1 … N-7]"""
