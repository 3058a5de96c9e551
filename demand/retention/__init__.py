"""How long the batches of the demand archive's streams are kept. [O-10]"""
