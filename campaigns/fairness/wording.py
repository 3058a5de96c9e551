"""The verdict of a fairness report in one sentence, for who tells the press. [X-3]"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from campaigns.fairness.verdict import ALL, Findings, GroupTest
from operations.plurals import plural

NEVER_AGAIN: Final = "Never repeat the draw because of this report."
NAMED_FINDINGS: Final = 3
COMPARED: Final[dict[str, str]] = {
    "domain": "e-mail domain",
    "country": "country",
    "position": "part of the file",
    "time": "time of registration",
}
FANS_OF: Final[dict[str, Callable[[str], str]]] = {
    "domain": lambda name: f"fans with addresses at {name}",
    "country": lambda name: f"fans in {name}",
    "position": lambda name: f"fans in lines {name} of the file",
    "time": lambda name: f"fans who registered {name} (UTC)",
}
FANS_OF_THE_REST: Final[dict[tuple[str, str], str]] = {
    ("domain", "others"): "fans at all smaller e-mail domains together",
    ("domain", "no address"): "fans without an e-mail address",
    ("country", "others"): "fans in all smaller countries together",
    ("country", "no country"): "fans without a country",
    ("time", "not registered"): "fans who never registered",
}


def sentence(findings: Findings) -> str:
    """The verdict, and what it rests on: only what was tested is said to be even. [X-3]"""
    if findings["verdict"] == "none":
        return "There are too few fans to tell whether the draw treated all fans alike."
    tests = plural(findings["tests"], "test")
    if findings["verdict"] == "fair":
        return f"The draw treated all fans alike: {_and(_nothing_found(findings))} ({tests})."
    likelihood = f"{findings['found']:,} of {tests} found what chance hardly ever does"
    return f"Look for a fault before you publish: {_and(_found(findings))} ({likelihood})."


def _nothing_found(findings: Findings) -> list[str]:
    lucks = [test for test in findings["luck"] if test["verdict"] != "none"]
    kinds = {test["by"] for test in findings["groups"] if test["verdict"] != "none"}
    said = ["luck was spread evenly"] if lucks else []
    if kinds:
        compared = _listed([words for by, words in COMPARED.items() if by in kinds], "or")
        said.append(f"no {compared} was selected more or less often than chance allows")
    return said


def _found(findings: Findings) -> list[str]:
    lucks = [test["band"] for test in findings["luck"] if test["verdict"] == "look"]
    groups = sorted(
        (test for test in findings["groups"] if test["verdict"] == "look"),
        key=lambda test: test["corrected_p"],
    )
    said = [f"luck was not spread evenly {_in_bands(lucks)}"] if lucks else []
    named = groups[: NAMED_FINDINGS - len(said)]
    said += [_of_group(test) for test in named]
    more = len(groups) - len(named)
    if more:
        said.append(f"{plural(more, 'other group')} {'stands' if more == 1 else 'stand'} out")
    return said


def _in_bands(bands: Sequence[str]) -> str:
    named = [band for band in bands if band != ALL]
    if not named:
        return "over all bands"
    return f"in the {_listed(named, 'and')} {'band' if len(named) == 1 else 'bands'}"


def _of_group(test: GroupTest) -> str:
    by, name = test["by"], test["name"]
    fans = FANS_OF_THE_REST.get((by, name)) or FANS_OF[by](name)
    often = "more" if test["selected"] > test["expected"] else "less"
    return f"{fans} were selected {often} often than chance allows"


def _and(clauses: Sequence[str]) -> str:
    """`a`, `a, and b`, `a, b, and c`."""
    *first, last = clauses
    return f"{', '.join(first)}, and {last}" if first else last


def _listed(names: Sequence[str], conjunction: str) -> str:
    """`a`, `a or b`, `a, b, or c`."""
    if len(names) <= 2:
        return f" {conjunction} ".join(names)
    return f"{', '.join(names[:-1])}, {conjunction} {names[-1]}"
