"""Which e-mail addresses are well-formed, and which are refused: blacklist, whitelist, disposable
domains. [S-4, S-6]

Whole columns: only addresses that are not ASCII, or may hold an `xn--` label or an encoded word,
are looked at one by one, and each of their domains goes through IDNA once.
"""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from campaigns.contacts.addresses import (
    A_LABEL,
    ATOM,
    LONGEST_ADDRESS,
    LONGEST_LOCAL,
    has_encoded_word,
    idna_form,
)
from campaigns.contacts.email_lists import EmailRules, packaged_disposable_domains
from operations.entry.trimming import trim_column

__all__ = ["EmailRules", "canonical_email", "check_emails", "packaged_disposable_domains"]

_LABEL = r"[a-z0-9]+(?:-+[a-z0-9]+)*"
_LAST_LABEL = r"(?:[0-9]*[a-z][a-z0-9]*(?:-+[a-z0-9]+)*|[0-9]+(?:-+[a-z0-9]+)+)"  # not all digits
_ADDRESS = rf"^{ATOM}(?:\.{ATOM})*@(?:{_LABEL}\.)+{_LAST_LABEL}$"
_TOO_LONG = r"^[^@]{65}|[@.][a-z0-9-]{64}"
_LONGEST_PART = LONGEST_LOCAL  # one more than that of a label
_ODD = rf"=\?|{A_LABEL}"
_GMAIL = ("@gmail.com", "@googlemail.com")  # the second is the first


def check_emails(emails: pl.Series, rules: EmailRules) -> pl.DataFrame:
    """Judge a column of addresses as they were written; same length and order. [S-4]

    Columns: `email` (lower-cased, the domain in its IDNA form; null if missing or malformed), `tag`
    (null, `missing_email`, `invalid_email`) and `reason` (null, `blacklisted_email`,
    `blacklisted_domain`, `disposable_domain`).
    """
    frame = _read(emails)
    tag = (
        pl.when("missing")
        .then(pl.lit("missing_email"))
        .when(pl.col("email").is_null())
        .then(pl.lit("invalid_email"))
    )
    return frame.select("email", tag.otherwise(None).alias("tag"), _reasons(frame, rules))


def reasons_by(emails: pl.Series, *lists: EmailRules) -> list[pl.Series]:
    """The `reason` of `check_emails` by each of several sets of lists; the addresses, which take
    most of the time, are read once. [S-8]
    """
    frame = _read(emails)
    return [_reasons(frame, rules) for rules in lists]


def _read(emails: pl.Series) -> pl.DataFrame:
    """`email` and its `domain`, null where it is not well-formed, and whether it is `missing`."""
    written = _in_ascii(trim_column(emails.cast(pl.String)).alias("written"))
    missing = emails.is_null() | (written == "").fill_null(value=False)
    email = _well_formed_or_null(written)
    domain = pl.col("email").str.slice(pl.col("email").str.find("@", literal=True) + 1)
    return pl.DataFrame({"email": email, "missing": missing}).with_columns(domain.alias("domain"))


def canonical_email(emails: pl.Series) -> pl.Series:
    """Addresses by which two fans count as sharing one: without `+tag`, and Gmail's without dots
    and under one domain. [S-6]

    Takes addresses as `check_emails` stores them; null stays null. A local part that begins with
    `+` is kept whole.
    """
    email = pl.col("email")
    at, plus = email.str.find("@", literal=True), email.str.find("+", literal=True)
    local, domain = (
        email.str.slice(0, pl.when(plus > 0).then(plus).otherwise(at)),
        email.str.slice(at),
    )
    undotted = local.str.replace_all(".", "", literal=True)
    canonical = pl.when(domain.is_in(_GMAIL)).then(undotted).otherwise(local) + pl.when(
        domain == _GMAIL[1]
    ).then(pl.lit(_GMAIL[0])).otherwise(domain)
    return emails.cast(pl.String).to_frame("email").select(canonical.alias(emails.name)).to_series()


def _in_ascii(written: pl.Series) -> pl.Series:
    """Lower-cased, domains in IDNA form; what has no ASCII form, or hides another address, becomes
    null.
    """
    lowered = written.str.to_lowercase()
    is_foreign = written.str.len_bytes() != written.str.len_chars()
    is_foreign |= lowered.str.contains(_ODD)
    foreign = is_foreign.fill_null(value=False).arg_true()
    if foreign.is_empty():
        return lowered
    spellings = written.gather(foreign)
    forms = {spelling: _ascii_form(spelling) for spelling in spellings.unique()}
    return lowered.scatter(
        foreign, pl.Series([forms[spelling] for spelling in spellings], dtype=pl.String)
    )


def _ascii_form(written: str) -> str | None:
    """One address that may not be ASCII as written. Some letters become ASCII when lower-cased,
    such as the Kelvin sign.
    """
    local, _, domain = written.lower().rpartition("@")
    if not local.isascii() or has_encoded_word(local):
        return None
    ascii_domain = idna_form(domain)
    return None if ascii_domain is None else f"{local}@{ascii_domain}"


def _well_formed_or_null(written: pl.Series) -> pl.Series:
    """Null where S-4's form is not met. Only an address above 64 characters can have a part that is
    too long.
    """
    email = pl.col("written")
    size = email.str.len_bytes()
    fits = (size <= _LONGEST_PART) | ((size <= LONGEST_ADDRESS) & ~email.str.contains(_TOO_LONG))
    well_formed = email.str.contains(_ADDRESS) & fits
    frame = pl.DataFrame({"written": written})
    return frame.select(pl.when(well_formed).then(email).alias("email")).to_series()


def _reasons(frame: pl.DataFrame, rules: EmailRules) -> pl.Series:
    """The first list that refuses each address, unless the whitelist has it."""
    listed = frame["email"].is_in(_values(rules.addresses))
    verdicts = frame.select("domain").join(
        _domain_verdicts(frame["domain"].drop_nulls().unique(), rules),
        on="domain",
        how="left",
        maintain_order="left",
    )
    reason = pl.when(listed).then(pl.lit("blacklisted_email")).otherwise(verdicts["verdict"])
    refused = pl.DataFrame({"email": frame["email"]}).with_columns(reason.alias("reason"))
    if refused["reason"].null_count() == refused.height:
        return refused["reason"]
    return refused.select(pl.when(~_whitelisted(rules)).then("reason").alias("reason")).to_series()


def _whitelisted(rules: EmailRules) -> pl.Expr:
    exact = pl.col("email").is_in(_values(rules.whitelisted_addresses))
    pattern = rules.whitelist_regex()
    return exact | pl.col("email").str.contains(pattern) if pattern else exact


def _domain_verdicts(domains: pl.Series, rules: EmailRules) -> pl.DataFrame:
    """Columns `domain`, `verdict`: one row for each domain that is refused."""
    blocked = _self_or_parent_in(domains, rules.domains)
    pattern = rules.domain_regex()
    if pattern:
        blocked |= domains.str.contains(pattern)
    disposable = _self_or_parent_in(domains, rules.disposable)
    verdict = (
        pl.when(blocked)
        .then(pl.lit("blacklisted_domain"))
        .when(disposable)
        .then(pl.lit("disposable_domain"))
    )
    verdicts = pl.DataFrame({"domain": domains}).with_columns(
        verdict.otherwise(None).alias("verdict")
    )
    return verdicts.drop_nulls()


def _self_or_parent_in(domains: pl.Series, listed: frozenset[str]) -> pl.Series:
    """Whether each domain, or what is left after cutting labels from its front, is listed.

    One by one: fans have few different domains, and a column would have the long lists hashed anew
    for each chunk.
    """
    return pl.Series(
        "listed", [_is_listed(domain, listed) for domain in domains.to_list()], dtype=pl.Boolean
    )


def _is_listed(domain: str, listed: frozenset[str]) -> bool:
    while domain:
        if domain in listed:
            return True
        domain = domain.partition(".")[2]
    return False


@lru_cache(maxsize=16)
def _values(names: frozenset[str]) -> pl.Series:
    return pl.Series(sorted(names), dtype=pl.String).implode()
