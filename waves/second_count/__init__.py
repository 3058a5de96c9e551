"""The second count: a prepared wave is recounted from a sealed record before it can be approved.
[X-14]
"""
