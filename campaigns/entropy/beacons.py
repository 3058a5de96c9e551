"""A round of drand's default chain as a server tells it, and whether it is that round. Pure. [S-8]

A round's signature is a BLS signature over the one before and the round's number, and the chain's
public key is known here: nobody but the League of Entropy can make one. So one intact answer is
enough, whoever gave it.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

from campaigns.errors import BadBeacon
from campaigns.public_source import DEFAULT_CHAIN, RANDOMNESS
from operations.entry import values
from operations.errors import BadValue

SIGNATURE_BYTES = 96
GENESIS_BYTES = 32  # round 1 signs the hash of the group in the place of a signature


@dataclass(frozen=True)
class Beacon:
    """One round: `randomness` in hex, the value that is mixed into a draw."""

    round: int
    randomness: str
    signature: bytes
    previous_signature: bytes


def beacon_in(content: bytes, *, asked: int) -> Beacon:
    """The round `asked` for, in the JSON of drand's HTTP API, with its randomness checked against
    its signature. Raises BadBeacon.
    """
    try:
        answer = values.json_of("answer", content)
    except BadValue as error:
        raise BadBeacon(error.problem.rstrip(".")) from error
    if not isinstance(answer, dict):
        raise BadBeacon("the answer is not a JSON object")
    if type(answer.get("round")) is not int or answer["round"] != asked:
        raise BadBeacon(f"the answer is of round {values.shown(answer.get('round'))}, not {asked}")
    previous_bytes = GENESIS_BYTES if asked == 1 else SIGNATURE_BYTES
    found = Beacon(
        asked,
        _text(answer, "randomness"),
        _bytes(answer, "signature", SIGNATURE_BYTES),
        _bytes(answer, "previous_signature", previous_bytes),
    )
    if not RANDOMNESS.fullmatch(found.randomness):
        raise BadBeacon("randomness is not 64 lower-case hex digits")
    if hashlib.sha256(found.signature).hexdigest() != found.randomness:
        raise BadBeacon("randomness is not the SHA-256 of the signature")
    return found


def verify(beacon: Beacon) -> None:
    """Raises BadBeacon unless the default chain's key made the signature. It takes a third of
    a second.

    Scheme pedersen-bls-chained: the key is a point of G1, signatures are of G2 and hashed to it by
    BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_, which is the suite's own.
    """
    signed = beacon.previous_signature + beacon.round.to_bytes(8, "big")
    public_key = bytes.fromhex(DEFAULT_CHAIN.public_key)
    if not _suite().Verify(public_key, hashlib.sha256(signed).digest(), beacon.signature):
        raise BadBeacon("the signature is not of the default chain's key")


@cache
def _suite() -> Any:
    """py_ecc takes a third of a second to import, and only a fetch needs it. It lets the whole
    process recurse a hundred times as deep, where deeply nested JSON overflows the stack: that is
    undone, and checking a signature does not need it.
    """
    limit = sys.getrecursionlimit()
    try:
        from py_ecc.bls import G2Basic
    finally:
        sys.setrecursionlimit(limit)
    return G2Basic


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str):
        raise BadBeacon(f"{name} is missing")
    return value


def _bytes(answer: dict[str, Any], name: str, size: int) -> bytes:
    text = _text(answer, name)
    try:
        found = bytes.fromhex(text) if text.isascii() and len(text) == 2 * size else b""
    except ValueError:
        found = b""
    if len(found) != size:
        raise BadBeacon(f"{name} is not {2 * size} hex digits")
    return found
