"""What a code service may answer, judged before anything is believed. Pure. [K-1, K-3, K-4]

Each function takes what the JSON of an answer says and returns what it means, or raises BadAnswer
with what is wrong. A code itself is never repeated in a message: messages go to alerts and logs.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from operations.entry import values
from operations.errors import BadValue
from operations.plurals import plural

PLACEHOLDER: Final = "TM"
LONGEST_CODE: Final = 64
LONGEST_STATE: Final = 40
# Visible ASCII: what every phone, e-mail and ticket shop shows and takes alike, and what Python and
# PostgreSQL write in capitals alike. [K-1]
WELL_FORMED: Final = re.compile(rf"[!-~]{{1,{LONGEST_CODE}}}", re.ASCII)


class BadAnswer(Exception):
    """An answer that means nothing we asked for; the message says what is wrong with it. `codes`:
    those in it that can be read all the same.
    """

    def __init__(self, problem: str, codes: tuple[str, ...] = ()) -> None:
        self.codes = codes
        super().__init__(problem)


@dataclass(frozen=True)
class AssignedThere:
    """What the service says about the codes it was to assign: `asked`, those that are assigned to
    their fans (`valid`), and those that were not before this call (`updated`). [W-11]
    """

    asked: int
    valid: int
    updated: int


def code_problem(code: Any) -> str:
    """Why this is no access code, or nothing. [K-1, K-3]"""
    if not isinstance(code, str):
        return "a code is not a text"
    if not code:
        return "a code is empty"
    if len(code) > LONGEST_CODE:
        return f"a code has more than {LONGEST_CODE} characters"
    if not WELL_FORMED.fullmatch(code):
        return "a code contains a space, a control character or a character that is not ASCII"
    if code.upper() == PLACEHOLDER:
        return f"a code is {PLACEHOLDER}, which is a placeholder and not a code"
    return ""


def generated(answer: Any) -> str:
    """The one code of a fan. Raises BadAnswer."""
    code = _field(answer, "code")
    if problem := code_problem(code):
        raise BadAnswer(problem)
    return str(code)


def reserved(answer: Any, *, most: int) -> list[str]:
    """At most `most` different codes; fewer where the service has no more. Raises BadAnswer."""
    codes = _field(answer, "codes")
    if not isinstance(codes, list):
        raise BadAnswer("'codes' is not a list")
    readable = tuple(code for code in codes if not code_problem(code))
    for code in codes:
        if problem := code_problem(code):
            raise BadAnswer(problem, readable)
    if len(codes) > most:
        raise BadAnswer(f"{plural(len(codes), 'code')} instead of {most:,}", readable)
    doubled = len(codes) - len({code.upper() for code in codes})
    if doubled:
        raise BadAnswer(f"{plural(doubled, 'code')} given twice", readable)
    return codes


def assigned(answer: Any, *, asked: int) -> AssignedThere:
    """The counts of one batch. Raises BadAnswer where they cannot be."""
    counts = {name: _count(answer, name, most=asked) for name in ("in", "valid", "updated")}
    if counts["in"] != asked or counts["updated"] > counts["valid"]:
        raise BadAnswer(
            f"in {counts['in']:,}, valid {counts['valid']:,}, updated {counts['updated']:,} for"
            f" {plural(asked, 'code')}"
        )
    return AssignedThere(asked, counts["valid"], counts["updated"])


def released(answer: Any, *, asked: int) -> int:
    """How many codes the service took back. Raises BadAnswer."""
    return _count(answer, "released", most=asked)


def states(answer: Any, *, asked: Collection[str]) -> dict[str, str]:
    """The state of each of these codes that the service knows. Raises BadAnswer."""
    found = _field(answer, "statuses")
    if not isinstance(found, dict):
        raise BadAnswer("'statuses' is not an object")
    wanted = set(asked)
    try:
        return {
            code: values.text("a state", state, longest=LONGEST_STATE)
            for code, state in found.items()
            if code in wanted
        }
    except BadValue as error:
        raise BadAnswer(str(error)) from error


def _field(answer: Any, name: str) -> Any:
    if not isinstance(answer, dict):
        raise BadAnswer("it is not a JSON object")
    if name not in answer:
        raise BadAnswer(f"{name!r} is missing")
    return answer[name]


def _count(answer: Any, name: str, *, most: int) -> int:
    try:
        return values.whole(repr(name), _field(answer, name), most=most)
    except BadValue as error:
        raise BadAnswer(str(error)) from error
