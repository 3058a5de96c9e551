"""Pages about messages to fans. [N-3, X-12]"""
