"""What a message says: templates, rendering, SMS segments. [N-1]"""
