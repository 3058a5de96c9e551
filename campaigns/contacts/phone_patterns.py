"""Reading the patterns of numbering plans: digits, classes, groups, alternatives, counted repeats,
and `$`. [S-5]
"""

from __future__ import annotations

from dataclasses import dataclass

_ANY_DIGIT = 0b11_1111_1111


class UnsupportedPattern(ValueError):
    """The pattern uses something that this reader does not know; its numbers must be judged
    otherwise.
    """


@dataclass(frozen=True)
class OneOf:
    """One digit; bit n of the mask allows n."""

    mask: int


@dataclass(frozen=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    part: Node
    least: int
    most: int


@dataclass(frozen=True)
class End:
    """`$`: the number must end here."""


Node = OneOf | Sequence | Either | Repeat | End


def read_pattern(pattern: str) -> Node:
    """The pattern as a tree. Raises UnsupportedPattern for what numbering plans do not use
    today.
    """
    node, rest = _read_alternatives(pattern)
    if rest:
        raise UnsupportedPattern(pattern)
    return node


def possible_lengths(node: Node) -> set[tuple[int, bool]]:
    """Each number of digits that the pattern can take, and whether it then insists on the number's
    end.
    """
    match node:
        case OneOf():
            return {(1, False)}
        case End():
            return {(0, True)}
        case Either(parts):
            return set().union(*(possible_lengths(part) for part in parts))
        case Sequence(parts):
            return _joined([possible_lengths(part) for part in parts])
        case Repeat(part, least, most):
            once = possible_lengths(part)
            return set().union(*(_joined([once] * times) for times in range(least, most + 1)))


def _joined(steps: list[set[tuple[int, bool]]]) -> set[tuple[int, bool]]:
    reached = {(0, False)}
    for step in steps:
        reached = {(a + b, ends_a or ends_b) for a, ends_a in reached for b, ends_b in step}
    return reached


def _read_alternatives(text: str) -> tuple[Node, str]:
    first, text = _read_sequence(text)
    branches = [first]
    while text.startswith("|"):
        branch, text = _read_sequence(text[1:])
        branches.append(branch)
    return (first if len(branches) == 1 else Either(tuple(branches))), text


def _read_sequence(text: str) -> tuple[Node, str]:
    nodes: list[Node] = []
    while text and text[0] not in "|)":
        node, text = _read_one(text)
        least, most, text = _read_count(text)
        nodes.append(node if least == most == 1 else Repeat(node, least, most))
    return (nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes))), text


def _read_one(text: str) -> tuple[Node, str]:
    if text[0] in "0123456789":
        return OneOf(1 << int(text[0])), text[1:]
    if text.startswith(r"\d"):
        return OneOf(_ANY_DIGIT), text[2:]
    if text[0] == "$":
        return End(), text[1:]
    if text[0] == "[":
        inside, _, rest = text[1:].partition("]")
        return OneOf(_read_class(inside)), rest
    inner = text[3:] if text.startswith("(?:") else text.removeprefix("(")
    if inner != text and not inner.startswith("?"):
        node, rest = _read_alternatives(inner)
        if rest.startswith(")"):
            return node, rest[1:]
    raise UnsupportedPattern(text)


def _read_class(inside: str) -> int:
    mask = 0
    while inside:
        width = 3 if inside[1:2] == "-" else 1
        first, last = inside[0], inside[width - 1 : width]
        if not (first.isdecimal() and last.isdecimal()):
            raise UnsupportedPattern(inside)
        mask |= sum(1 << digit for digit in range(int(first), int(last) + 1))
        inside = inside[width:]
    return mask


def _read_count(text: str) -> tuple[int, int, str]:
    if text.startswith("?"):
        least, most, rest = 0, 1, text[1:]
    elif text.startswith("{"):
        inside, _, rest = text[1:].partition("}")
        low, comma, high = inside.partition(",")
        if not (low.isdecimal() and (high.isdecimal() if comma else not high)):
            raise UnsupportedPattern(text)
        least, most = int(low), int(high if comma else low)
    else:
        least, most, rest = 1, 1, text
    if rest.startswith(("?", "*", "+", "{")):
        raise UnsupportedPattern(text)
    return least, most, rest
