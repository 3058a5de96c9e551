"""The database of the tests: made once, filled with what many tests begin with, emptied."""

from __future__ import annotations
