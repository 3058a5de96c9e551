"""Patterns over digits, run over whole columns of numbers at once. [S-5]

A pattern becomes positions ("one of these digits, then one of those positions"); sets of positions
are the states of one automaton whose table grows as numbers ask for it. Equal tails are one
position, so the states stay few: numbers of all regions ask for some 6,000.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock

import numpy as np
import numpy.typing as npt

from campaigns.contacts.phone_patterns import Either, End, Node, OneOf, Repeat, Sequence

Ints = npt.NDArray[np.int32]
Symbols = npt.NDArray[np.uint8]
Judge = Callable[[frozenset[int], int], int]
"""From the marks that a number reached and its length to a label; no marks mean 0."""

END, PLUS, ODD = 10, 11, 12
"""The symbols beside the digits: after a number's last digit; a plus; what no pattern knows."""
NOT_JUDGED = -2
"""The label of a number that contains something odd."""

_UNKNOWN = -1
_SYMBOLS = 16
_LENGTHS = 32
_NOWHERE: frozenset[int] = frozenset()


class Positions:
    """The positions of all patterns read so far; equal ones are one."""

    def __init__(self) -> None:
        self._positions: list[tuple[int, frozenset[int]]] = []
        self._known: dict[tuple[int, frozenset[int]], int] = {}
        self._marks: dict[int, bool] = {}

    def mark(self, *, stays: bool = False) -> int:
        """A new mark for where a pattern ends. One that stays is kept whatever follows: the pattern
        is a beginning.
        """
        number = len(self._positions)
        self._positions.append((0, frozenset()))
        self._marks[number] = stays
        return number

    def first(self, node: Node, after: frozenset[int]) -> frozenset[int]:
        """Where the pattern may begin when `after` may follow it. A branch that insists on the
        number's end is left out.
        """
        match node:
            case OneOf(mask):
                return frozenset((self._position(mask, after),)) if after else after
            case Sequence(parts):
                for part in reversed(parts):
                    after = self.first(part, after)
                return after
            case Either(parts):
                return frozenset[int]().union(*(self.first(part, after) for part in parts))
            case Repeat(part, least, most):
                reached = after
                for times in range(most, 0, -1):
                    begun = self.first(part, reached)
                    reached = begun if times <= least else begun | after
                return reached
            case End():
                return frozenset()

    def step(self, state: frozenset[int], digit: int) -> frozenset[int]:
        """Where a digit leads from any of these positions."""
        followers = [self._positions[p][1] for p in state if self._positions[p][0] >> digit & 1]
        return frozenset(p for p in state if self._marks.get(p)).union(*followers)

    def marks(self, state: frozenset[int]) -> frozenset[int]:
        return frozenset(p for p in state if p in self._marks)

    def _position(self, mask: int, after: frozenset[int]) -> int:
        key = (mask, after)
        if key not in self._known:
            self._known[key] = len(self._positions)
            self._positions.append(key)
        return self._known[key]


class LazyAutomaton:
    """One table for all patterns, whose entries are states: places of rows in the table.

    Each set of positions has two rows: one for numbers of which only digits were read, one for
    those that met their END.
    """

    def __init__(self) -> None:
        self._positions = Positions()
        self._sets: list[frozenset[int]] = []
        self._judges: list[Judge] = []
        self._states: dict[frozenset[int], int] = {}
        self._starts: dict[Hashable, int] = {}
        self._table: Ints = np.full(2048 * 2 * _SYMBOLS, _UNKNOWN, np.int32)
        self._labels: Ints = np.full(2048 * _LENGTHS, _UNKNOWN, np.int32)
        self._lock = Lock()
        odd = frozenset((self._positions.mark(stays=True),))
        self._odd = self._state(odd, lambda _marks, _length: NOT_JUDGED)
        self._table[self._odd : self._odd + 2 * _SYMBOLS] = self._odd
        self._state(_NOWHERE, lambda _marks, _length: 0)

    def start(
        self, key: Hashable, build: Callable[[Positions], tuple[frozenset[int], Judge]]
    ) -> int:
        """The state in which numbers of this key begin; `build` is asked once for the positions and
        the judge.
        """
        with self._lock:
            if key not in self._starts:
                self._starts[key] = self._state(*build(self._positions))
            return self._starts[key]

    def judge(self, starts: Ints, symbols: Symbols, offsets: Ints, lengths: Ints) -> Ints:
        """The label of each number, whose `lengths` digits stand from `offsets` on in `symbols`, an
        END after them.
        """
        states, at = starts, offsets.copy()
        for _ in range(int(lengths.max(initial=-1)) + 1):
            keys = states + symbols.take(at, mode="clip")
            states = self._table.take(keys, mode="clip")
            if states.min(initial=0) == _UNKNOWN:
                self._learn_steps(np.unique(keys[states == _UNKNOWN]))
                states = self._table.take(keys, mode="clip")
            at += 1
        keys = states // (2 * _SYMBOLS) * _LENGTHS + lengths
        labels = self._labels.take(keys, mode="clip")
        if (labels == _UNKNOWN).any():
            self._learn_labels(np.unique(keys[labels == _UNKNOWN]))
            labels = self._labels.take(keys, mode="clip")
        return labels

    def _learn_steps(self, keys: Ints) -> None:
        with self._lock:
            for key in keys.tolist():
                number, digit = key // (2 * _SYMBOLS), key % _SYMBOLS
                reached = self._state(
                    self._positions.step(self._sets[number], digit), self._judges[number]
                )
                self._table[key] = reached

    def _learn_labels(self, keys: Ints) -> None:
        with self._lock:
            for key in keys.tolist():
                number, length = divmod(key, _LENGTHS)
                self._labels[key] = self._judges[number](
                    self._positions.marks(self._sets[number]), length
                )

    def _state(self, members: frozenset[int], judge: Judge) -> int:
        """The state of a set of positions. Marks belong to one judge, so a set that can still reach
        one does too.
        """
        if members not in self._states:
            number = len(self._sets)
            if number * _LENGTHS == len(self._labels):
                self._table = np.concatenate((self._table, np.full_like(self._table, _UNKNOWN)))
                self._labels = np.concatenate((self._labels, np.full_like(self._labels, _UNKNOWN)))
            self._sets.append(members)
            self._judges.append(judge)
            reading, ended = number * 2 * _SYMBOLS, (number * 2 + 1) * _SYMBOLS
            self._table[reading + END] = ended
            self._table[ended : ended + _SYMBOLS] = ended
            if number:
                self._table[reading + PLUS : reading + _SYMBOLS] = self._odd
            self._states[members] = reading
        return self._states[members]
