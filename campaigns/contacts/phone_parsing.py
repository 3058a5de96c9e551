"""phonenumbers' way of reading a phone, for whole columns of plain ones: digits, separators, at
most one leading plus. [S-5]

Each step below has the order and the conditions of `phonenumbers.parse`. Where a step cannot be
settled from the tables, the number is *unsure*, and phonenumbers itself must be asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from campaigns.contacts.phone_automaton import END, NOT_JUDGED, ODD, PLUS, Ints, Symbols
from campaigns.contacts.phone_plans import LONGEST_INPUT, NO_THREE_DIGITS, NumberingPlans

Flags = npt.NDArray[np.bool_]

_SHORTEST_INPUT = 3
_SHORTEST_NATIONAL = 4
_LONGEST_NATIONAL = 15
_SEPARATORS = b" ()-./"
_KNOWN = {**{ord(str(digit)): digit for digit in range(10)}, ord("\n"): END, ord("+"): PLUS}
_SYMBOLS = bytes(_KNOWN.get(byte, ODD) for byte in range(256))


@dataclass
class Numbers:
    """A column of numbers: `lengths` digits from `at` on in `symbols`, to be read by `plans`."""

    symbols: Symbols
    at: Ints
    lengths: Ints
    plans: Ints

    @classmethod
    def of_lines(cls, lines: bytes, plans: Ints) -> tuple[Numbers, Flags]:
        """One phone as written per line, each with its LF; and which begin with a plus. Separators
        are left out.
        """
        symbols = np.frombuffer(lines.translate(_SYMBOLS, _SEPARATORS), np.uint8)
        ends = np.flatnonzero(symbols == END).astype(np.int32)
        at = np.concatenate((np.zeros(1, np.int32), ends[:-1] + 1))
        plus = symbols.take(at) == PLUS
        at += plus
        return cls(symbols, at, ends - at, plans.astype(np.int32)), plus

    def first_three(self) -> Ints:
        """The first three digits as one number, NO_THREE_DIGITS where there are fewer or something
        else stands there.
        """
        total = np.zeros(len(self.at), np.int32)
        odd = np.zeros(len(self.at), np.bool_)
        for place in range(3):
            symbols = self.symbols.take(self.at + place, mode="clip")
            odd |= symbols >= END
            total = total * 10 + symbols
        total[odd] = NO_THREE_DIGITS
        return total

    def at_rows(self, rows: npt.NDArray[np.intp]) -> Numbers:
        return Numbers(
            self.symbols, self.at.take(rows), self.lengths.take(rows), self.plans.take(rows)
        )

    def without(self, digits: Ints, plans: Ints | None = None) -> Numbers:
        """The numbers without their first `digits`."""
        return Numbers(
            self.symbols,
            self.at + digits,
            self.lengths - digits,
            self.plans if plans is None else plans,
        )

    def replaced(self, rows: npt.NDArray[np.intp], other: Numbers) -> None:
        self.at[rows], self.lengths[rows], self.plans[rows] = other.at, other.lengths, other.plans

    def as_integers(self) -> npt.NDArray[np.int64]:
        total = np.zeros(len(self.at), np.int64)
        last = self.at + self.lengths - 1
        for place in range(int(self.lengths.max(initial=0))):
            digits = self.symbols.take(last - place, mode="clip") * (self.lengths > place)
            total += digits.astype(np.int64) * 10**place
        return total


@dataclass(frozen=True)
class Settled:
    """E.164 as an integer and the plan it belongs to plus one, both 0 if not valid; whether its
    type takes an SMS; and where phonenumbers must be asked.
    """

    e164: npt.NDArray[np.int64]
    owners: Ints
    takes_sms: Flags
    unsure: Flags

    def forget(self, rows: npt.NDArray[np.intp]) -> None:
        """Take these for no numbers, whatever was read into them."""
        self.e164[rows] = self.owners[rows] = 0
        self.unsure[rows] = False


def settle(numbers: Numbers, plus: Flags, tables: NumberingPlans) -> Settled:
    """Read, validate and attribute each number, with its own plan as the default region; `plus`:
    written with a plus. [S-5]
    """
    tables.prepare(numbers.plans)
    unsure = ~tables.usable.take(numbers.plans)
    unsure |= (numbers.lengths < _SHORTEST_INPUT) | (numbers.lengths > LONGEST_INPUT)
    numbers.lengths[unsure] = 0
    international = _strip_international(numbers, plus, unsure, tables)
    _strip_own_calling_code(numbers, ~international & ~unsure, unsure, tables)
    tables.prepare(numbers.plans)
    unsure |= ~tables.usable.take(numbers.plans)
    stripped, unknown = _without_trunk(numbers, tables)
    unsure |= unknown
    rows = np.flatnonzero(
        (stripped.lengths < numbers.lengths)
        & tables.keeps_stripped(stripped.plans, stripped.lengths)
    )
    numbers.replaced(rows, stripped.at_rows(rows))
    unsure |= numbers.lengths > _LONGEST_NATIONAL
    numbers.lengths[unsure] = 0
    labels = tables.owners(numbers.plans, numbers.symbols, numbers.at, numbers.lengths)
    unsure |= labels == NOT_JUDGED
    labels[unsure] = 0
    owners = labels >> 1
    e164 = (
        tables.code.take(numbers.plans) * 10 ** numbers.lengths.astype(np.int64)
        + numbers.as_integers()
    )
    return Settled(np.where(owners > 0, e164, 0), owners, labels & 1 == 0, unsure)


def _strip_international(
    numbers: Numbers, plus: Flags, unsure: Flags, tables: NumberingPlans
) -> Flags:
    """Take plus or international prefix, and the calling code, from the numbers that have one;
    tells which had.
    """
    taken = tables.idd_digits(numbers.plans, numbers.first_three())
    taken[plus] = 0
    unsure |= taken < 0
    next_digit = numbers.symbols.take(numbers.at + taken, mode="clip")
    taken[(taken < 0) | (next_digit == 0)] = 0  # no calling code begins with 0
    international = plus | (taken > 0)
    rows = np.flatnonzero(international & ~unsure)
    dialled = numbers.at_rows(rows).without(taken.take(rows))
    leaders = tables.leader_by_digits.take(dialled.first_three())
    unknown = (dialled.lengths < _SHORTEST_INPUT) | (leaders < 0)
    unsure[rows] |= unknown
    leaders[unknown] = 0
    digits = np.where(unknown, 0, tables.code_digits.take(leaders)).astype(np.int32)
    numbers.replaced(rows, dialled.without(digits, leaders))
    return international


def _strip_own_calling_code(
    numbers: Numbers, national: Flags, unsure: Flags, tables: NumberingPlans
) -> None:
    """Take the default region's calling code from numbers that make more sense without it."""
    digits = tables.code_digits.take(numbers.plans)
    begins = numbers.first_three() // np.array([1000, 100, 10, 1], np.int32).take(
        digits
    ) == tables.code.take(numbers.plans)
    rows = np.flatnonzero(national & begins)
    if not rows.size:
        return
    whole = numbers.at_rows(rows)
    rest, unknown = _without_trunk(whole.without(digits.take(rows)), tables)
    too_long = tables.is_too_long(whole.plans, whole.lengths)
    fits_whole = tables.is_general(whole.plans, whole.symbols, whole.at, whole.lengths)
    fits_rest = tables.is_general(rest.plans, rest.symbols, rest.at, rest.lengths)
    unsure[rows] |= unknown & (too_long | ~fits_whole)
    better = np.flatnonzero(too_long | (~fits_whole & fits_rest))
    chosen = rest.at_rows(better)
    chosen.plans = tables.leader.take(chosen.plans)
    numbers.replaced(rows.take(better), chosen)


def _without_trunk(numbers: Numbers, tables: NumberingPlans) -> tuple[Numbers, Flags]:
    """The numbers without their plan's national prefix, kept where only the whole has the plan's
    form; and the unsure ones.
    """
    taken = tables.trunk_digits(numbers.plans, numbers.first_three(), numbers.lengths)
    unsure = (taken < 0) | (numbers.lengths < _SHORTEST_NATIONAL)
    taken[unsure] = 0
    rows = np.flatnonzero(taken)
    if rows.size:
        whole = numbers.at_rows(rows)
        rest = whole.without(taken.take(rows))
        fits_whole = tables.is_general(whole.plans, whole.symbols, whole.at, whole.lengths)
        fits_rest = tables.is_general(rest.plans, rest.symbols, rest.at, rest.lengths)
        taken[rows[fits_whole & ~fits_rest]] = 0
    return numbers.without(taken), unsure
