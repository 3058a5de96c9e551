"""Each stage beside its limit and its peer, in one run on one machine: `bin/bench [NAME …] [--rows
N] [--json]`.
"""
