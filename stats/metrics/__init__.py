"""The success metrics: measured from rows, held against their targets. [O-8]"""
