"""Access codes: made, reserved, assigned, published. [K-1 … K-6]"""
