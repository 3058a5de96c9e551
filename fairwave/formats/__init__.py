"""How dates read on the operators' site: the same everywhere, on a 24-hour clock, and with the zone
they are in.
"""
