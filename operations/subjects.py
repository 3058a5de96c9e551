"""What a job works on, and what a change of state is about."""

from __future__ import annotations

from typing import NamedTuple


class Subject(NamedTuple):
    """`kind` is a noun in lower case, such as `score_file`; `id` is what the kind is found by, as
    text, and blank where there is only one of the kind.
    """

    kind: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.id}".rstrip()
