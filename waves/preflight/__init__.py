"""What could go wrong with a wave, checked before it can be approved. [X-6]"""
