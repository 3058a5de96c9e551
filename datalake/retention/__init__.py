"""How long streams, identities, dead letters and messages of queues are kept. [O-10]"""
