"""Personal data out of the events that an error file keeps: by key in what can be parsed, by look
in what cannot. Pure. [D-4]

In what cannot be parsed too much is redacted rather than too little: it is kept to see what went
wrong, not to be read.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error as NotBase64
from binascii import a2b_base64
from typing import Any
from unicodedata import category
from urllib.parse import quote

REDACTED = "[redacted]"
PERSONAL = ("phoneNumber", "email", "messageBody")
_NAMES = f"(?:{'|'.join(PERSONAL)})"
_NAME = re.compile(_NAMES, re.IGNORECASE)  # contactEmail and phoneNumbers hold the same
# A key, whatever became of its quotes and its colon; quotes may be escaped, for JSON stands in
# strings of JSON.
_KEY = re.compile(
    rf"{_NAMES}(?:.{{0,4}}?[:=]|\\{{0,8}}[\"']\s{{0,20}}(?=[{{\[\"'\\]))", re.IGNORECASE | re.DOTALL
)
_TOKEN = re.compile(r"(?<!\\)(?P<slashes>\\*+)(?P<quote>[\"'])|[{}\[\],]")
_CLOSING = {quote: re.compile(rf"(?<!\\)(\\*+){quote}") for quote in "\"'"}
_SPACE = re.compile(r"\s*+")
_AFTER = re.compile(r"\s*+(?:[,}\]]|\\*+[\"']|\Z)")
_NEXT_KEY = re.compile(r"\s*[\"'\\]")
# Each run of characters is looked at once, from its beginning: ++ gives nothing back. Some writers
# of JSON escape + and @ and what is not ASCII; JSON in strings of JSON doubles the backslashes.
_AT = r"(?:[@＠﹫]|\\{1,8}u(?:0040|ff20|fe6b)|%40|%EF%BC%A0)"
_LOCAL = r"[^\s\"'<>,;:{}\[\]()\\%@＠﹫=]"
_ESCAPED = r"u(?!0040|ff20|fe6b)[0-9a-f]{4}"
_ENCODED = r"(?!40|EF%BC%A0)[0-9a-f]{2}"
_PART = rf"(?:{_LOCAL}|\\{{1,8}}{_ESCAPED}|%{_ENCODED})"
_HOST = rf"(?:{_PART}++|\[[^\]\s]{{1,80}}\])"
_ADDRESS = re.compile(
    rf"(?<!{_LOCAL})(?!(?<=\\)(?:{_ESCAPED}|\\)|(?<=%){_ENCODED}){_PART}++{_AT}{_HOST}",
    re.IGNORECASE,
)
# "anna b"@host: from the closing quote on; where it opens is looked for backwards.
_BEHIND_QUOTES = re.compile(rf"(?<!\\)(?P<quote>\\*+[\"']){_AT}{_HOST}", re.IGNORECASE)
LONGEST_QUOTED = 256
_STRUCTURE = re.compile(r"[\s:,{}\[\]]*")  # between two strings of JSON, not inside of one
# Between two digits stand dashes, spaces and invisible marks of any kind, brackets, dots, slashes;
# as they are, or escaped as JSON and URLs do.
_BETWEEN = [
    *(
        chr(code)
        for code in range(0x10000)
        if category(chr(code)) in ("Pd", "Zs", "Zl", "Zp", "Cf")
    ),
    *"+().·•․−⁃/＋（）．／\t\r\n",
]
_PERCENT = [encoded for mark in _BETWEEN if (encoded := quote(mark, safe="")).startswith("%")]
_GAP = (
    rf"(?:[{re.escape(''.join(_BETWEEN))}]"
    rf"|\\{{1,8}}(?:u(?:{'|'.join(f'{ord(mark):04x}' for mark in _BETWEEN)})|[trn])"
    rf"|{'|'.join(_PERCENT)}|%2d|%2e)"
)
_DIGIT = r"(?:\d|\\{1,8}uff1[0-9])"
_PHONE = re.compile(
    rf"(?<!\d)(?!\d{{4}}-\d\d-\d\d(?!\d))[+＋]?[(（]?{_DIGIT}(?:{_GAP}{{0,8}}+{_DIGIT}){{6,}}+",
    re.IGNORECASE,
)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}+={0,2}")
URL_SAFE = str.maketrans("-_", "+/")


def redact_event(event: Any) -> Any:
    """A copy in which the value of phoneNumber, email or messageBody, at any depth, is
    `[redacted]`.

    A key that has one of these in it counts, in any case. A wire value becomes `{"S":
    "[redacted]"}`; null stays null. Strings that hold such keys themselves, as JSON or as base64,
    are redacted by look. [D-4]
    """
    copy: list[Any] = [event]
    left: list[Any] = [copy]
    while left:  # not recursive: JSON may be nested more deeply than calls
        held = left.pop()
        pairs = list(held.items()) if isinstance(held, dict) else list(enumerate(held))
        for key, value in pairs:
            if isinstance(key, str) and _NAME.search(key):
                held[key] = _redacted(value)
            elif isinstance(value, str):
                held[key] = _redact_carried(value)
            elif isinstance(value, dict | list):
                held[key] = value.copy()
                left.append(held[key])
    return copy[0]


def _redacted(value: Any) -> Any:
    if value is None or value == {"NULL": True}:
        return value
    return {"S": REDACTED} if isinstance(value, dict) else REDACTED


def _redact_carried(text: str) -> str:
    text = _BASE64.sub(_redact_run, text)
    return _redact_keys(text) if _KEY.search(text) else text


def redact_bytes(raw: bytes) -> bytes:
    """The bytes without what looks like an e-mail address or a phone number, and without what
    follows one of the three keys.

    NUL bytes are left out, so that UTF-16 is seen through; base64 is looked into. [D-4]
    """
    text = raw.replace(b"\x00", b"").decode("utf-8", "surrogateescape")
    return _redact_text(text).encode("utf-8", "surrogateescape")


def _redact_text(text: str) -> str:
    text = _redact_quoted(_redact_keys(_BASE64.sub(_redact_run, text)))
    return _PHONE.sub(REDACTED, _ADDRESS.sub(REDACTED, text))


def _redact_quoted(text: str) -> str:
    """Addresses whose local part is in quotes, which may hold anything."""
    parts: list[str] = []
    done = 0
    for found in _BEHIND_QUOTES.finditer(text):
        start = _opening_quote(text, found["quote"], done, found.start())
        if _STRUCTURE.fullmatch(text, start + len(found["quote"]), found.start()):
            continue  # a string that begins with @
        parts += (text[done:start], REDACTED)
        done = found.end()
    return "".join([*parts, text[done:]])


def _opening_quote(text: str, quote: str, least: int, before: int) -> int:
    """Where the string opens that this quote closes; if it does not, as far back as an address
    goes.
    """
    least = max(least, before - LONGEST_QUOTED)
    start = text.rfind(quote, least, before)
    while start > least and text[start - 1] == "\\":  # one with more backslashes stands inside
        start = text.rfind(quote, least, start)
    return max(start, least)


def _redact_run(found: re.Match[str]) -> str:
    """A run of base64 whose content is redacted, if there is anything to redact in it; else the
    run.
    """
    run = found[0].rstrip("=").translate(URL_SAFE)
    try:
        content = a2b_base64(run[: len(run) - (len(run) % 4 == 1)] + "==")
    except NotBase64:
        return found[0]
    text = content.replace(b"\x00", b"").decode("utf-8", "surrogateescape")
    # an id may look like base64
    if not (_KEY.search(text) or (text.isprintable() and _ADDRESS.search(text))):
        return found[0]
    return b64encode(_redact_text(text).encode("utf-8", "surrogateescape")).decode()


def _redact_keys(text: str) -> str:
    parts: list[str] = []
    done = 0
    while key := _KEY.search(text, done):
        end = _end_of_value(text, key.end())
        parts += (text[done : key.end()], f'"{REDACTED}"')
        done = end
    return "".join([*parts, text[done:]])


def _end_of_value(text: str, start: int) -> int:
    """Where the value that begins here ends: at a comma before a key, or at a bracket that it did
    not open, else at the end.

    A comma or bracket that stands where none can be has got into the value by mistake.
    """
    depth, position = 0, start
    begins = _SPACE.match(text, start).end()  # type: ignore[union-attr]  # it matches nothing too
    while token := _TOKEN.search(text, position):
        position = token.end()
        if token["quote"]:
            position = _end_of_string(text, position, len(token["slashes"]), token["quote"])
        elif token[0] in "{[":
            depth += 1
        elif token[0] in "}]":
            depth -= 1
            if depth < 0 and token.start() > begins and _AFTER.match(text, position):
                return token.start()
            depth = max(depth, 0)
        elif depth <= 0 and _NEXT_KEY.match(text, position):
            return token.start()
    return len(text)


def _end_of_string(text: str, start: int, slashes: int, quote: str) -> int:
    """Behind the quote that closes a string whose opening quote had so many backslashes before
    it.
    """
    for closing in _CLOSING[quote].finditer(text, start):
        if len(closing[1]) % (2 * (slashes + 1)) == slashes:
            return closing.end()
    return len(text)
