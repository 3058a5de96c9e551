"""The world's numbering plans, from phonenumbers' metadata, as tables that answer for whole
columns. [S-5]

One plan per region, and one per calling code that belongs to no region. A plan is read when the
first number asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    PhoneMetadata,
    PhoneNumberDesc,
)

from campaigns.contacts.phone_automaton import Ints, Judge, LazyAutomaton, Positions, Symbols
from campaigns.contacts.phone_patterns import UnsupportedPattern, possible_lengths, read_pattern

LONGEST_INPUT = 17
"""Digits of the longest input that is judged here."""

NO_THREE_DIGITS = 1000
"""Stands for the first three digits of a number that has fewer."""

_BEGINNINGS = 1001
_UNSURE = -1
_TYPES = {  # the first that fits says whether a number takes an SMS
    "premium_rate": False, "toll_free": False, "shared_cost": False, "voip": True,
    "personal_number": True, "pager": False, "uan": False, "voicemail": False,
    "mobile": True, "fixed_line": False,
}  # fmt: skip
_NEVER = "(?!)"


class NumberingPlans:
    """Plans by number, `names[plan]` being the region; columns of plans are asked together."""

    def __init__(self) -> None:
        members = [
            (code, region)
            for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()
            for region in regions
        ]
        self.names: list[str] = [region for _, region in members]
        self.by_region = {
            name: n for n, name in enumerate(self.names) if name != REGION_CODE_FOR_NON_GEO_ENTITY
        }
        count = len(members)
        self.code: Ints = np.array([code for code, _ in members], np.int32)
        self.code_digits: Ints = np.array([len(str(code)) for code, _ in members], np.int32)
        leaders = {code: n for n, (code, _) in reversed(list(enumerate(members)))}
        self.leader: Ints = np.array([leaders[code] for code, _ in members], np.int32)
        self.leader_by_digits: Ints = np.array(
            [*(_leader(f"{n:03d}", leaders) for n in range(1000)), _UNSURE], np.int32
        )
        self.usable: npt.NDArray[np.bool_] = np.zeros(count, np.bool_)
        self._read: npt.NDArray[np.bool_] = np.zeros(count, np.bool_)
        self._automaton = LazyAutomaton()
        self._general: Ints = np.zeros(count, np.int32)
        self._owner: Ints = np.zeros(count, np.int32)
        self._keeps: Ints = np.zeros(count, np.int32)
        self._too_long: Ints = np.zeros(count, np.int32)
        self._idd: npt.NDArray[np.int8] = np.zeros((count, _BEGINNINGS), np.int8)
        self._trunk: npt.NDArray[np.int8] = np.zeros((count, _BEGINNINGS), np.int8)
        self._local_lengths: Ints = np.zeros(count, np.int32)
        self._local: npt.NDArray[np.bool_] = np.zeros((count, _BEGINNINGS), np.bool_)

    def prepare(self, plans: Ints) -> None:
        """Read the plans that were not asked for before. Those with an unknown pattern stay not
        `usable`.
        """
        for plan in np.flatnonzero(np.bincount(plans, minlength=len(self.names)) > 0).tolist():
            if not self._read[plan]:
                try:
                    self._read_plan(plan)
                    self.usable[plan] = True
                except UnsupportedPattern:
                    self.usable[plan] = False
                self._read[plan] = True

    def idd_digits(self, plans: Ints, first_three: Ints) -> Ints:
        """How many digits of the plan's international prefix stand in front, 0 for none, -1 where
        three do not tell.
        """
        return self._idd.ravel().take(plans * _BEGINNINGS + first_three).astype(np.int32)

    def trunk_digits(self, plans: Ints, first_three: Ints, lengths: Ints) -> Ints:
        """The same of the national prefix; -1 also where the prefix would be replaced by something
        else.
        """
        keys = plans * _BEGINNINGS + first_three
        taken = self._trunk.ravel().take(keys).astype(np.int32)
        is_local = (self._local_lengths.take(plans) >> lengths & 1).astype(
            np.bool_
        ) & self._local.ravel().take(keys)
        taken[is_local] = _UNSURE
        return taken

    def is_general(
        self, plans: Ints, symbols: Symbols, at: Ints, lengths: Ints
    ) -> npt.NDArray[np.bool_]:
        """Whether each number has the plan's general form."""
        return self._automaton.judge(self._general.take(plans), symbols, at, lengths) > 0

    def owners(self, plans: Ints, symbols: Symbols, at: Ints, lengths: Ints) -> Ints:
        """The plan, among those with the same calling code, to which each number belongs, plus one;
        twice that, and one more for a number whose type takes no SMS. 0 if it is not valid.
        """
        return self._automaton.judge(self._owner.take(plans), symbols, at, lengths)

    def keeps_stripped(self, plans: Ints, lengths: Ints) -> npt.NDArray[np.bool_]:
        """Whether a number of this length may be what is left after a national prefix."""
        return (self._keeps.take(plans) >> lengths & 1).astype(np.bool_)

    def is_too_long(self, plans: Ints, lengths: Ints) -> npt.NDArray[np.bool_]:
        return (self._too_long.take(plans) >> lengths & 1).astype(np.bool_)

    def _read_plan(self, plan: int) -> None:
        code = int(self.code[plan])
        metadata, general = _metadata(code, self.names[plan])
        self._general[plan] = self._automaton.start(
            ("general", plan), lambda known: _general_form(general, known)
        )
        described = [
            (n, _metadata(code, self.names[n])[0])
            for n in np.flatnonzero(self.code == code).tolist()
        ]
        self._owner[plan] = self._automaton.start(
            ("owner", code), lambda known: _ownership(described, known)
        )
        local, possible = general.possible_length_local_only, general.possible_length
        longer = [n for n in range(LONGEST_INPUT + 1) if n > possible[-1] and n not in local]
        self._too_long[plan] = _bits(longer)
        self._keeps[plan] = _bits({*longer, *(n for n in possible if n not in local)})
        self._idd[plan] = _beginnings(metadata.international_prefix, "")
        trunk = metadata.national_prefix_for_parsing or ""
        self._trunk[plan] = _beginnings(trunk, metadata.national_prefix_transform_rule or "")
        self._local_lengths[plan] = _bits(
            {n for n, ends in possible_lengths(read_pattern(trunk)) if ends}
        )
        self._local[plan] = _may_begin(trunk.replace("$", "")) if "$" in trunk else False


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << n for n in set(numbers) if n <= LONGEST_INPUT)


def _leader(digits: str, leaders: dict[int, int]) -> int:
    """The main plan of the calling code that the digits begin with, or -1."""
    codes = [int(digits[:n]) for n in (1, 2, 3) if digits[0] != "0"]
    return next((leaders[code] for code in codes if code in leaders), -1)


def _metadata(code: int, region: str) -> tuple[PhoneMetadata, PhoneNumberDesc]:
    """A plan's metadata, and the general form in it."""
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if metadata is None or metadata.general_desc is None:
        raise UnsupportedPattern(f"no metadata for +{code} {region}")
    return metadata, metadata.general_desc


def _general_form(general: PhoneNumberDesc, known: Positions) -> tuple[frozenset[int], Judge]:
    mark = known.mark()
    first = known.first(read_pattern(general.national_number_pattern or ""), frozenset((mark,)))
    return first, lambda marks, _length: int(mark in marks)


def _ownership(
    described: list[tuple[int, PhoneMetadata]], known: Positions
) -> tuple[frozenset[int], Judge]:
    """All patterns of the plans that share a calling code, and the first plan whose rules a number
    meets, as `owners` labels it.
    """
    first: frozenset[int] = frozenset()
    lengths: dict[int, frozenset[int]] = {}

    def read(
        pattern: str | None, *, only_beginning: bool = False, allowed: Iterable[int] = ()
    ) -> int | None:
        nonlocal first
        if not pattern:
            return None
        mark = known.mark(stays=only_beginning)
        begin = known.first(read_pattern(pattern), frozenset((mark,)))
        first |= begin
        lengths[mark] = frozenset(allowed)
        return mark

    def read_form(form: PhoneNumberDesc | None) -> int | None:
        return (
            read(form.national_number_pattern, allowed=form.possible_length)
            if form is not None
            else None
        )

    rules = []
    for plan, metadata in described:
        leading = read(metadata.leading_digits, only_beginning=True) if len(described) > 1 else None
        general = read_form(metadata.general_desc)
        types = _TYPES
        if metadata.same_mobile_and_fixed_line_pattern:
            types = {name: takes for name, takes in _TYPES.items() if name != "mobile"}
            types |= {"fixed_line": True}
        forms = [(read_form(getattr(metadata, name)), takes) for name, takes in types.items()]
        rules.append((plan, leading, general, forms))

    def judge(marks: frozenset[int], length: int) -> int:
        fitting = {mark for mark in marks if not lengths[mark] or length in lengths[mark]}
        for plan, leading, general, forms in rules:
            takes_sms = next((takes for mark, takes in forms if mark in fitting), None)
            is_valid = general in fitting and takes_sms is not None
            if is_valid if leading is None else leading in fitting:
                return 2 * (plan + 1) + (not takes_sms) if is_valid else 0
        return 0

    return first, judge


@cache
def _beginnings(pattern: str | None, transform: str) -> npt.NDArray[np.int8]:
    """How many digits the pattern takes from a number of four digits or more, by its first three;
    -1 where they do not tell.

    Branches that insist on the number's end are left out here.
    """
    table = np.zeros(_BEGINNINGS, np.int8)
    table[NO_THREE_DIGITS] = _UNSURE
    if not pattern:
        return table
    compiled = re.compile(pattern.replace("$", _NEVER))
    undecided = _may_begin(pattern)
    for n in range(NO_THREE_DIGITS):
        found = compiled.match(f"{n:03d}")
        if undecided[n] or (found and transform and found.groups()[-1] is not None):
            table[n] = _UNSURE
        elif found:
            table[n] = found.end()
    return table


@cache
def _may_begin(pattern: str) -> npt.NDArray[np.bool_]:
    """Whether a number's first three digits leave the pattern wanting or allowing a fourth."""
    known = Positions()
    mark = known.mark()
    states = [known.first(read_pattern(pattern), frozenset((mark,)))]
    for _ in range(3):
        states = [known.step(state, digit) for state in states for digit in range(10)]
    return np.array([*(bool(state - {mark}) for state in states), False])
