"""What of each fan's contact is compared: numbers and hashes, so that a fan takes at most 80
bytes while millions are looked at. [X-13]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

import polars as pl

from campaigns.contacts.emails import canonical_email

MOST_DIGITS: Final = 15
PADDING: Final = 10**16  # numbers behind zeros are others: above every plain one
DIGITS: Final = "0123456789"
NO_DIGITS: Final = "abcdefghijklmnopqrstuvwxyz!#$%&'*+/=?^_`{|}~-."
CONTACTS: Final = {
    "line": pl.Int64,
    "email": pl.String,
    "phone": pl.String,
    "registered_us": pl.Int64,
}


@dataclass(frozen=True)
class Traits:
    """`mail`: `line`, `contact` (hash of the canonical address), `spelling` (hash of the address),
    `domain` (hash), of those with an address. `numbered`: `line`, `stem` and `stem_at` (hashes of
    the canonical local part without its last digits, and with the domain), `number` (PADDING for
    each digit where the first is a zero, and the value). `phones`: `line`, `phone` (Int64).
    `times`: `line`, `us` (microseconds since 1970), ascending by `us` once parts are joined.
    `domains`: `domain`, `name`, each once.
    """

    mail: pl.DataFrame
    numbered: pl.DataFrame
    phones: pl.DataFrame
    times: pl.DataFrame
    domains: pl.DataFrame


def traits_of(contacts: pl.DataFrame) -> Traits:
    """A frame of `CONTACTS`: addresses as S-4 stores them and phones in E.164, both empty or null
    where there are none; null for who did not register.
    """
    given = contacts.with_columns(pl.col("line").cast(pl.UInt32))
    with_email = given.select("line", "email").filter(pl.col("email") != "")
    canonical = canonical_email(with_email["email"])
    at = canonical.str.find("@", literal=True)
    mail = with_email.with_columns(
        canonical.alias("canonical"), at.alias("at"), canonical.str.slice(at + 1).alias("name")
    ).with_columns(
        pl.col("canonical").hash().alias("contact"),
        pl.col("email").hash().alias("spelling"),
        pl.col("name").hash().alias("domain"),
    )
    return Traits(
        mail=mail.select("line", "contact", "spelling", "domain"),
        numbered=_numbered(mail),
        phones=given.filter(pl.col("phone") != "").select(
            "line", pl.col("phone").str.strip_chars_start("+").cast(pl.Int64)
        ),
        times=given.select("line", pl.col("registered_us").alias("us")).drop_nulls(),
        domains=mail.select("domain", "name").unique("domain", maintain_order=True),
    )


def _numbered(mail: pl.DataFrame) -> pl.DataFrame:
    """The last digits of each local part that has any: `bot-017x` is 17 of the stem `bot-…x`."""
    local = mail["canonical"].str.slice(0, mail["at"])
    front = local.str.strip_chars_end(NO_DIGITS)
    has_digits = front != ""
    local, front, rest = local.filter(has_digits), front.filter(has_digits), mail.filter(has_digits)
    stem = front.str.strip_chars_end(DIGITS)
    digits = front.str.slice(stem.str.len_bytes())
    stem += " " + local.str.slice(front.str.len_bytes())
    length = digits.str.len_bytes().cast(pl.Int64)
    is_padded = digits.str.starts_with("0") & (length > 1)
    frame = pl.DataFrame(
        {
            "line": rest["line"],
            "stem": stem.hash(),
            "domain": rest["domain"],
            "padding": length * is_padded.cast(pl.Int64) * PADDING,
            "digits": digits,
        }
    )
    short = frame.filter(length <= MOST_DIGITS)
    return short.select(
        "line",
        "stem",
        (pl.col("stem") ^ pl.col("domain")).alias("stem_at"),
        (pl.col("padding") + pl.col("digits").cast(pl.Int64)).alias("number"),
    )


def joined(parts: Iterable[Traits]) -> Traits:
    """The traits of all fans, from those of their parts."""
    all_parts = list(parts) or [traits_of(pl.DataFrame(schema=CONTACTS))]
    mail, numbered, phones, times, domains = (
        pl.concat([getattr(part, one.name) for part in all_parts]) for one in fields(Traits)
    )
    domains = domains.unique("domain", maintain_order=True)
    return Traits(mail, numbered, phones, times.sort("us"), domains)
