"""Builders, keys and processes that tests of several apps share."""

from __future__ import annotations
