"""The providers' contracts as one small HTTP server: for the demo, the tests, the benchmarks and
rehearsals.
"""

from __future__ import annotations

from sandbox.process import RunningSandbox, running

__all__ = ["RunningSandbox", "running"]
