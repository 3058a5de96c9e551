"""Who goes around a door: a module through which alone something may be done."""

from __future__ import annotations

import re
from pathlib import Path

PRODUCT = ("fairwave", "operations", "datalake", "demand", "campaigns", "waves", "stats", "console")
EVERYTHING = (*PRODUCT, "sandbox", "benchmarks")


def around(door: str, pattern: str, *, roots: tuple[str, ...] = PRODUCT) -> list[str]:
    """`path:line` of the lines that match the pattern outside of the door, a module or package
    named by its path.

    Migrations are left out: they are history, not a place where work is done.
    """
    base, found, inside = Path(__file__).parents[2], re.compile(pattern), 0
    passed_by = []
    for path in sorted(path for root in roots for path in (base / root).rglob("*.py")):
        name = path.relative_to(base).as_posix()
        if "/migrations/" in name:
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if not found.search(line):
                continue
            if name.startswith(door):
                inside += 1
            else:
                passed_by.append(f"{name}:{number}")
    assert inside, f"{door} itself has no line with {pattern}: the guard looks for nothing"
    return passed_by
