"""What is wrong with a setting, as `check` says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A setting that cannot be used: which one, what is wrong with it, what to do; and the id of
    its check where that has one of its own.
    """

    name: str
    problem: str
    hint: str
    id: str = ""
