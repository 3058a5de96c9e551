"""The providers' contracts as one small HTTP server: for the demo, the tests, the benchmarks and
rehearsals.
"""

from sandbox.process import RunningSandbox, running

__all__ = ["RunningSandbox", "running"]
