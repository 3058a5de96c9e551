"""Patterns over digits, run over whole columns of numbers at once. [S-5]

A pattern becomes positions ("one of these digits, then one of those positions"); sets of positions are the states of one
automaton whose table grows as numbers ask for it. Equal tails are one position, so the states stay few: 60,000 numbers of seven
countries ask for some 2,000.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock

import numpy as np
import numpy.typing as npt

from campaigns.phone_patterns import Either, End, Node, OneOf, Repeat, Sequence

Ints = npt.NDArray[np.int32]
Symbols = npt.NDArray[np.uint8]
Judge = Callable[[frozenset[int], int], int]
"""From the marks that a number reached and its length to a label; no marks mean 0."""

END = 10
"""The symbol that stands after a number's last digit."""

_UNKNOWN = -1
_SYMBOLS = 16
_LENGTHS = 32


class Positions:
    """The positions of all patterns read so far; equal ones are one."""

    def __init__(self) -> None:
        self._positions: list[tuple[int, frozenset[int]]] = []
        self._known: dict[tuple[int, frozenset[int]], int] = {}
        self._marks: dict[int, bool] = {}

    def mark(self, *, stays: bool = False) -> int:
        """A new mark for where a pattern ends. One that stays is kept whatever follows: the pattern is a beginning."""
        number = len(self._positions)
        self._positions.append((0, frozenset()))
        self._marks[number] = stays
        return number

    def first(self, node: Node, after: frozenset[int]) -> frozenset[int]:
        """Where the pattern may begin when `after` may follow it. A branch that insists on the number's end is left out."""
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
    """One table for all patterns. Each even state has read digits only; the odd one after it has met the END as well."""

    def __init__(self) -> None:
        self._positions = Positions()
        self._sets: list[frozenset[int]] = []
        self._judges: list[Judge] = []
        self._numbers: dict[frozenset[int], int] = {}
        self._starts: dict[Hashable, int] = {}
        self._table: Ints = np.full((2048, _SYMBOLS), _UNKNOWN, np.int32)
        self._labels: Ints = np.full((1024, _LENGTHS), _UNKNOWN, np.int32)
        self._lock = Lock()
        self._state(frozenset(), lambda _marks, _length: 0)

    def start(self, key: Hashable, build: Callable[[Positions], tuple[frozenset[int], Judge]]) -> int:
        """The state in which numbers of this key begin; `build` is asked once for the positions and the judge."""
        with self._lock:
            if key not in self._starts:
                self._starts[key] = self._state(*build(self._positions))
            return self._starts[key]

    def judge(self, starts: Ints, symbols: Symbols, offsets: Ints, lengths: Ints) -> Ints:
        """The label of each number, whose `lengths` digits stand from `offsets` on in `symbols`, an END after them."""
        states, at = starts, offsets.copy()
        for _ in range(int(lengths.max(initial=-1)) + 1):
            states = self._next(states, symbols.take(at, mode="clip"))
            at += 1
        keys = (states >> 1) * _LENGTHS + lengths
        labels = self._labels.ravel().take(keys)
        if labels.min(initial=0) == _UNKNOWN:
            self._learn_labels(np.unique(keys[labels == _UNKNOWN]))
            labels = self._labels.ravel().take(keys)
        return labels

    def _next(self, states: Ints, symbols: Symbols) -> Ints:
        keys = states * _SYMBOLS + symbols
        following = self._table.ravel().take(keys)
        if following.min(initial=0) == _UNKNOWN:
            self._learn_steps(np.unique(keys[following == _UNKNOWN]))
            following = self._table.ravel().take(keys)
        return following

    def _learn_steps(self, keys: Ints) -> None:
        with self._lock:
            for key in keys.tolist():
                state, digit = divmod(key, _SYMBOLS)
                reached = self._positions.step(self._sets[state >> 1], digit)
                number = self._state(reached, self._judges[state >> 1])
                self._table[state, digit] = number

    def _learn_labels(self, keys: Ints) -> None:
        with self._lock:
            for key in keys.tolist():
                half, length = divmod(key, _LENGTHS)
                self._labels[half, length] = self._judges[half](self._positions.marks(self._sets[half]), length)

    def _state(self, members: frozenset[int], judge: Judge) -> int:
        """The number of a set of positions. Marks belong to one judge, so a set that can still reach one does too."""
        if members not in self._numbers:
            half = len(self._sets)
            if half == len(self._labels):
                self._table = np.concatenate((self._table, np.full_like(self._table, _UNKNOWN)))
                self._labels = np.concatenate((self._labels, np.full_like(self._labels, _UNKNOWN)))
            self._sets.append(members)
            self._judges.append(judge)
            self._table[2 * half, END:] = 2 * half + 1
            self._table[2 * half + 1] = 2 * half + 1
            self._numbers[members] = 2 * half
        return self._numbers[members]
