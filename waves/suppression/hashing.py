"""What stands on the suppression list for an address or a phone number: a hash by a key of this
site, the same in Python and in SQL. [N-8]

The list, a copy of it or a page of it tells nobody whom it names. The key is before the text, so
that nobody can go through all phone numbers without it; nothing is signed with it, so that a plain
SHA-256 will do, at half of HMAC's cost per fan of a selection.
"""

from __future__ import annotations

import uuid
from hashlib import sha256
from typing import Final

SEPARATOR: Final = "\x1f"

# As expressions of their own, which are computed once and mislead no plan about numbers of rows.
KEY: Final = "(SELECT key FROM waves_suppressionkey)"
_SEED: Final = """(SELECT ('x' || left(encode(sha256(key || 'sieve'), 'hex'), 16))::bit(64)::bigint
    FROM waves_suppressionkey)"""


def hash_of(key: bytes, channel: str, contact: str) -> uuid.UUID:
    """The first 128 bits of SHA-256 over the key, the channel and the contact in its stored form:
    an address as S-4 has it, a phone number in E.164.
    """
    return uuid.UUID(bytes=sha256(key + f"{channel}{SEPARATOR}{contact}".encode()).digest()[:16])


def hashed(channel: str, contact: str) -> str:
    """Its 16 bytes in SQL, of expressions in SQL; null without a key. As a UUID they take twice as
    long, which shows with two million fans.
    """
    text = f"convert_to({channel} || E'\\x1f' || {contact}, 'UTF8')"
    return f"substring(sha256({KEY} || {text}) FROM 1 FOR 16)"


def sieve(channel: str, contact: str) -> str:
    """A cheap keyed hash of 32 bits, in SQL alone, of expressions in SQL; null without a key. It
    tells nearly all contacts that are not on the list from those that are, at a fortieth of what
    `hashed` costs. The list holds it beside each hash.
    """
    return f"hashtextextended({channel} || E'\\x1f' || {contact}, {_SEED})::bit(32)::int"


def hashed_if_sieved(channel: str, contact: str, listed: str) -> str:
    """As `hashed`, and null where the sieve says that the contact is not on the list. `listed`: a
    query of the sieves on the list; a null among them lets all contacts through.
    """
    is_sieved = f"({sieve(channel, contact)} IN ({listed})) IS NOT FALSE"
    return f"CASE WHEN {is_sieved} THEN {hashed(channel, contact)} END"
