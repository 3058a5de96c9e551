"""The proof of a draw: its public page, the bundle, and the checker. [S-10, X-2]"""
