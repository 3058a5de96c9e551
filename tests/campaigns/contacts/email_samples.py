"""Addresses as people and machines write them, and lists that have an opinion on many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

BLACKLIST = [
    "bad@example.com", "anna.bell@gmail.com", "x+y@mail.example", "o'neil@example.com",
    "a*b@example.com", "ops@xn--bcher-kva.example",
    "@bad.example", "@xn--bcher-kva.test", "@spam.example.com", "@ru", "@*.trap.example", "@mail*",
    "@a*b*c.example", "@pay.*.test",
]  # fmt: skip
WHITELIST = [
    "vip*@bad.example",
    "*@good.bad.example",
    "bad@example.com.test",
    "*+friend@*",
    "ceo@mailinator.com",
    "*.bell@gmail.com",
]
DISPOSABLE = ["throw.example", "once.test"]

NAMES = [
    "bad",
    "anna.bell",
    "vip1",
    "vip",
    "o'neil",
    "x+y",
    "a*b",
    "ops",
    "ceo",
    "bob+friend",
    "j.d.o.e",
    "+tag",
    "!#$%&'*+/=?^_`{|}~-",
    "0",
    "=?utf-8?q?bad?=",
    "a=?utf-8?q??=b",
    "=?utf-8?q?=",
]
LOCAL = "abcxyz0189.-_+'*/"
DOMAINS = [
    "example.com", "gmail.com", "googlemail.com", "bad.example", "good.bad.example", "notbad.example",
    "bad.example.com", "spam.example.com",
    "trap.example", "x.trap.example", "a.b.trap.example", "mail.example", "mail-1.test", "email.test",
    "abc.example", "a1b2c.example",
    "a.b.c.example", "pay.x.test", "pay.x.y.test", "list.ru", "ru.test", "throw.example",
    "a.throw.example", "athrow.example", "once.test",
    "mailinator.com", "x.mailinator.com", "0-mail.com", "bücher.example", "bücher.test", "x.BÜCHER.test",
    "xn--bcher-kva.test",
    "例え.テスト", "münchen。de", "ｇｍａｉｌ.com", "faß.de", "straße.example", "ΣΊΣΥΦΟΣ.gr", "İstanbul.test",
    "ﬁ.test", "xn--.test", "xn--a.test",
    "a.xn--99999999999", "xn--fiqs8s.xn--fiqs8s", "ab--c.xn--bcher-kva.test", "a.1", "a.1-1", "a.1b2",
    "ab--cd.é", "a_b.é", "é", "-é.test", "é-.test", "localhost", "127.0.0.1", "[127.0.0.1]", "a..b",
    ".a.b", "a.b.", "-a.b", "a-.b", "a--b.c-d",
    "\u0661.com", "א1.test", "a\u200db.test", "\u2603.net", "😀.la", "a\u0301.test", "\u0301a.test",
    "é" * 60 + ".test", "a" * 62 + "é.test",
]  # fmt: skip
ODD = [
    None, "", " ", "\u3000", "@", "@@", "a@", "@b.com", "a@b@c.com", "a b@example.com", "a@exa mple.com",
    "no-at.example.com", "ü@example.com",
    "\u212a@example.com", "a@\u212aelvin.test", "İ@example.com", "ſ@example.com", "a@b.c\n",
    "a\x00@example.com", "<a@example.com>",
    '"a b"@example.com', "mailto:a@example.com", "a@example,com", "a＠example.com", "a.@example.com",
    ".a@example.com", "a..b@example.com",
    "a@example.com.", "a@\u00adexample.com", "é@é.é", "@é.é", "é", "a@é", "a@b@é.fr",
    "\ufeffa@example.com", "\x1fa@example.com", "a@b\u2028.com",
]  # fmt: skip


def samples(seed: int, count: int) -> Iterator[str | None]:
    """`count` addresses as written; the same for the same seed."""
    rng = Random(seed)
    for _ in range(count):
        written = rng.choice(ODD) if rng.random() < 0.03 else f"{_local(rng)}@{_domain(rng)}"
        for _ in range(rng.choice([0, 0, 0, 0, 1, 2])):
            written = rng.choice(_CHANGES)(written or "", rng)
        yield written


def _local(rng: Random) -> str:
    if rng.random() < 0.4:
        return rng.choice(NAMES)
    return (
        "".join(rng.choices(LOCAL, k=rng.choice([1, 3, 6, 10, 63, 64, 65, 80])))
        if rng.random() < 0.3
        else _word(rng)
    )


def _domain(rng: Random) -> str:
    if rng.random() < 0.7:
        return "".join(f"{_word(rng)}." for _ in range(rng.choice([0, 0, 0, 1, 2]))) + rng.choice(
            DOMAINS
        )
    labels = [
        _word(rng) if rng.random() < 0.9 else "a" * rng.choice([62, 63, 64])
        for _ in range(rng.choice([1, 2, 2, 3, 4, 20, 60]))
    ]
    return ".".join([*labels, rng.choice(["com", "example", "de", "ru", "x1", "c", "1"])])


def _word(rng: Random) -> str:
    return "".join(rng.choices("abcdefgh019", k=rng.choice([1, 2, 3, 8])))


def _capitals(text: str, rng: Random) -> str:
    return "".join(c.upper() if rng.random() < 0.5 else c for c in text)


def _around(text: str, rng: Random) -> str:
    return (
        rng.choice([" ", "\t", "\u00a0", "\u2003", "\u200b", "\ufeff", "\x1c", ""])
        + text
        + rng.choice([" ", "\r", "\u3000", "\x85", "\x1f", ""])
    )


def _insert(text: str, rng: Random) -> str:
    at = rng.randrange(len(text) + 1)
    return (
        text[:at]
        + rng.choice(
            [
                ".",
                "-",
                "@",
                " ",
                "+",
                "é",
                "ß",
                "_",
                "*",
                "\u212a",
                "Σ",
                "。",
                "a" * 190,
                "\n",
                "x" * 64,
            ]
        )
        + text[at:]
    )


def _drop(text: str, rng: Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at + 1 :]


_CHANGES: list[Callable[[str, Random], str]] = [_capitals, _around, _insert, _drop]
