"""SQL over the lake: who asks, what is read, and the process that answers. [L-8]"""
