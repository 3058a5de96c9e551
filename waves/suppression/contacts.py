"""Addresses and phone numbers as people, files and providers write them, in their stored forms.
[N-8, S-4, S-5]
"""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from campaigns.contacts.emails import EmailRules, check_emails
from campaigns.contacts.phones import check_phones
from operations.entry.trimming import trim_column
from waves.choices import Channel, ContactProblem, Exclusion
from waves.errors import BadContact

# No list is asked: an address on the blacklist can be suppressed too.
NO_LISTS: Final = EmailRules(*[frozenset[str]()] * 6)
HINT: Final = "Write an address such as ann@example.com, or a number such as +12065550101."
ANY_COUNTRY: Final = "US"  # for numbers that name their own
# Of a score row and its `fan`, the registrant. A phone that both name is confirmed where either
# says so: the registrant may have confirmed it after the scores were made.
FANS_CONTACT: Final = """
CROSS JOIN LATERAL (SELECT
    COALESCE(NULLIF(fan.email, ''), score.email) AS email,
    CASE WHEN fan.phone <> '' THEN fan.phone ELSE score.phone END AS phone,
    CASE WHEN fan.phone <> '' THEN fan.phone_confirmed OR (fan.phone = score.phone
        AND score.phone_confirmed)
        ELSE score.phone_confirmed END AS confirmed
) AS its
"""


class Contact(NamedTuple):
    """An address in S-4's form, or a phone number in E.164, and the channel that goes there."""

    channel: Channel
    value: str


def contact_of(written: str, *, country: str = "") -> Contact:
    """The contact that somebody wrote; `country` (ISO) is that of a number without one. Raises
    BadContact, which does not repeat what was written.
    """
    (row,) = read_contacts(pl.Series([written]), country=country).to_dicts()
    if row["problem"]:
        raise BadContact(f"{ContactProblem(row['problem']).label}. {HINT}")
    return Contact(Channel(row["channel"]), row["contact"])


def read_contacts(written: pl.Series, *, country: str = "") -> pl.DataFrame:
    """Of a column of contacts as they were written, in its order: `channel`, `contact`, and where
    it is none, `problem` (a ContactProblem, else null).
    """
    texts = trim_column(written.cast(pl.String).fill_null(""))
    is_email = texts.str.contains("@", literal=True)
    numbers = check_phones(
        texts.zip_with(~is_email, pl.Series([""])),
        pl.Series([country] * len(texts), dtype=pl.String),
        default_region=country or ANY_COUNTRY,
    )["phone"]
    has_country = texts.str.starts_with("+") | bool(country)
    found = pl.DataFrame(
        {
            "is_email": is_email,
            "email": check_emails(texts, NO_LISTS)["email"],
            "phone": numbers,
            "is_empty": texts == "",
            "unclear": numbers.is_not_null() & ~has_country,
        }
    )
    contact = pl.when("is_email").then("email").when(~pl.col("unclear")).then("phone")
    return found.select(
        pl.when("is_email")
        .then(pl.lit(Channel.EMAIL.value))
        .otherwise(pl.lit(Channel.SMS.value))
        .alias("channel"),
        contact.alias("contact"),
        pl.when("unclear")
        .then(pl.lit(ContactProblem.NO_COUNTRY.value))
        .when("is_empty")
        .then(pl.lit(ContactProblem.NO_CONTACT.value))
        .when(contact.is_null())
        .then(pl.lit(ContactProblem.BAD_CONTACT.value))
        .alias("problem"),
    )


def without_suppressed(judged: pl.DataFrame) -> pl.DataFrame:
    """What `judge_contacts` gave, with `email_suppressed` and `phone_suppressed` (Boolean): such
    an e-mail is null and such a phone is not usable, and who has no other contact has that reason.
    """
    found = judged.with_columns(
        pl.when(~pl.col("email_suppressed")).then("email").alias("email"),
        pl.col("usable_phone") & ~pl.col("phone_suppressed"),
    )
    unreached = pl.col("email").is_null() & ~pl.col("usable_phone")
    suppressed = pl.when(unreached).then(pl.lit(Exclusion.SUPPRESSED.value))
    return found.with_columns(pl.coalesce("contact_reason", suppressed).alias("contact_reason"))
