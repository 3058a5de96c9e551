"""The public source of randomness that a campaign names before it opens: what it is, how its value
is written, and when the value becomes public. Pure. [S-8]

`drand round N` names a round of drand's default chain: its time follows from its number, and the
form of its value is known. Any other source is named freely, with both. Two ways to write one value
would be two draws to choose from, so the form is part of what is locked.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from campaigns.errors import BadPublicSource, BadPublicValue
from operations.entry import values
from operations.errors import BadValue

LONGEST_NAME, LONGEST_FORM, LONGEST_VALUE = 200, 200, 10_000
NAMES_DRAND = re.compile(r"drand\s+round\b", re.IGNORECASE)
ROUND_OF_DRAND = re.compile(r"drand\s+round\s+0*([1-9][0-9]{0,8})", re.IGNORECASE | re.ASCII)
RANDOMNESS = re.compile("[0-9a-f]{64}")
RANDOMNESS_FORM = "randomness of the round: 64 lower-case hex digits"
WITHOUT_SOURCE = (
    "Anyone who can read the database knows the luck of every fan before the draw, and the public"
    " page says so."
)
UNSEEN = ("Cc", "Cf", "Zl", "Zp")  # Unicode's controls, formats and separators of lines


@dataclass(frozen=True)
class Chain:
    """What is known of a drand chain beforehand: hash and public key in hex, and when its rounds
    are. Round 1 is published at `genesis`.
    """

    hash: str
    public_key: str
    genesis: datetime
    period: timedelta


# the League of Entropy's `default` chain, scheme pedersen-bls-chained
DEFAULT_CHAIN = Chain(
    hash="8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce",
    public_key="868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a5699"
    "37c529eeda66c7293784a9402801af31",
    genesis=datetime.fromtimestamp(1_595_431_050, tz=UTC),
    period=timedelta(seconds=30),
)


@dataclass(frozen=True)
class PublicSource:
    """A named source; `chain` (its hash) and `round` only of drand. `public_at` is None where it is
    not known, or of a rehearsal's source whose time was over.
    """

    name: str
    chain: str = ""
    round: int | None = None
    form: str = ""
    public_at: datetime | None = None


def source_named(
    name: str, *, form: str = "", public_at: datetime | None = None
) -> PublicSource | None:
    """What a person named, None if nothing. Raises BadPublicSource: a drand round that cannot be
    read, or one with another time or form than it has; a form or a time of no source.
    """
    name, form = name.strip(), form.strip()
    if not name:
        if form or public_at:
            raise BadPublicSource(
                "entropy_form and entropy_public_at are the form and the time of a public source's"
                " value. Enter entropy_source as well."
            )
        return None
    if not NAMES_DRAND.match(name):
        return PublicSource(name, form=form, public_at=public_at)
    written = ROUND_OF_DRAND.fullmatch(name)
    if written is None:
        raise BadPublicSource(
            f"“{name}” is not a drand round. Write drand round and its number, such as drand round"
            " 5551234."
        )
    round_number = int(written[1])
    source = PublicSource(
        f"drand round {round_number}",
        DEFAULT_CHAIN.hash,
        round_number,
        RANDOMNESS_FORM,
        time_of_round(round_number),
    )
    if public_at not in (None, source.public_at) or form not in ("", source.form):
        raise BadPublicSource(
            f"The time and the form of {source.name} follow from its number. Leave out"
            " entropy_public_at and entropy_form."
        )
    return source


def time_of_round(number: int) -> datetime:
    """When a round of the default chain is published. Raises BadPublicSource beyond the years of
    this product.
    """
    at = DEFAULT_CHAIN.genesis + (number - 1) * DEFAULT_CHAIN.period
    try:
        return values.within("entropy_source", at)
    except BadValue as error:
        raise BadPublicSource(f"drand round {number} is too far ahead: {error.problem}") from error


def to_lock(source: PublicSource, *, now: datetime, is_rehearsal: bool) -> PublicSource:
    """The source as an opening campaign locks it. Raises BadPublicSource unless its value is still
    to come and its form is said; a rehearsal takes any source, and one whose value is not to come
    has no time.
    """
    is_to_come = source.public_at is not None and source.public_at > now
    if is_rehearsal:
        return source if is_to_come else replace(source, public_at=None)
    if source.public_at is None:
        raise BadPublicSource(
            f"Enter the time at which the value of “{source.name}” becomes public."
        )
    if not is_to_come:
        raise BadPublicSource(
            f"The value of “{source.name}” became public at {in_words(source.public_at)}, and it is"
            f" {in_words(now)} now. Name a source whose value is still to come."
        )
    if not source.form:
        raise BadPublicSource(
            f"Enter how the value of “{source.name}” is written, so that it can be entered in one"
            " way only. Such as: the six numbers in ascending order, joined by hyphens."
        )
    return source


def value_of(source: PublicSource, entered: str) -> str:
    """The value as it is mixed into the draw. Raises BadPublicValue where it is not of the source's
    form. A rehearsal's source without a time takes any text.
    """
    value = entered.strip()
    if not value:
        raise BadPublicValue(f"The value of “{source.name}” is empty. Copy it from the source.")
    if len(value) > LONGEST_VALUE:
        raise BadPublicValue(
            f"The value of “{source.name}” has {len(value):,} characters. At most"
            f" {LONGEST_VALUE:,} are allowed."
        )
    if values.is_unfit(value) or any(unicodedata.category(each) in UNSEEN for each in value):
        raise BadPublicValue(
            f"The value of “{source.name}” contains a line break or a character that cannot be"
            " seen. Enter it without."
        )
    if source.chain and source.public_at is not None and not RANDOMNESS.fullmatch(value):
        raise BadPublicValue(
            f"The value of “{source.name}” is its randomness: 64 digits 0 to 9 and a to f, in lower"
            " case. Copy it from the source."
        )
    return value


def in_words(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
