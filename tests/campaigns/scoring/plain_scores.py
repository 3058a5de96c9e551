"""S-1 and S-3 … S-7 read in plain Python, one line after the other: what the columns, chunks and
COPYs must equal.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import phonenumbers

from tests.campaigns.contacts import plain_emails
from tests.campaigns.contacts.plain_emails import WHITE_SPACE

LONGEST_LINE = 1024 * 1024
LONGEST_ID = 500
SMS_TYPES = {
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.VOIP,
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
}
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class Options(Protocol):
    """A campaign, or the rules made of it."""

    home_countries: list[str]
    allow_intl_phones: bool
    require_confirmed_phone: bool
    min_score: float
    max_fans_per_contact: int


@dataclass(frozen=True)
class Lists:
    """Entries lower-cased and in ASCII; `disposable` is all of them, the packaged ones too."""

    blacklist: list[str]
    whitelist: list[str]
    disposable: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """What becomes of a line: rejected for a reason, or accepted with what is then stored."""

    reason: str | None
    tags: list[str] = field(default_factory=list)
    email: str = ""
    phone: str = ""
    region: str = ""
    confirmed: bool = False
    score: float | None = None


@dataclass
class PlainJudge:
    """Judges rows in the order in which they come: it knows the fans and contacts so far."""

    options: Options
    lists: Lists
    seen: set[str] = field(default_factory=set)
    shared: dict[str, int] = field(default_factory=dict)

    def outcome(self, row: dict[str, object]) -> Outcome:
        """One well-formed row, its fields trimmed; `confirmed` speaks of `known_phone`, or of its
        own phone if that is None.
        """
        fan = str(row["global_user_id"])
        duplicate = fan in self.seen
        self.seen.add(fan)
        lists = self.lists
        email, email_tag, email_reason = plain_emails.judge(
            str(row["tmemail"]), lists.blacklist, lists.whitelist, lists.disposable
        )
        phone, region, phone_tag = plain_phone(
            str(row["sms"]), str(row["country_code"]).upper(), self.options.home_countries[0]
        )
        confirmed = (
            phone is not None and bool(row["confirmed"]) and row["known_phone"] in (None, phone)
        )
        abroad = phone is not None and region not in self.options.home_countries
        tags = [
            email_tag,
            phone_tag,
            abroad and "intl_phone",
            phone is not None and not confirmed and "unconfirmed_phone",
        ]
        score = plain_score(str(row["raw_local_fanscore"]))
        takes_sms = phone is not None and phone_tag is None
        usable_phone = takes_sms and (confirmed or not self.options.require_confirmed_phone)
        reason = self._reason(
            fan, duplicate, score, email, email_reason, phone, abroad, usable_phone
        )
        return Outcome(
            reason,
            [tag for tag in tags if tag],
            email or "",
            phone or "",
            region or "",
            confirmed,
            score,
        )

    def _reason(
        self, fan, duplicate, score, email, email_reason, phone, abroad, usable_phone
    ) -> str | None:
        if not fan:
            return "missing_user_id"
        if duplicate:
            return "duplicate"
        if score is None:
            return "invalid_score"
        if email_reason:
            return email_reason
        if abroad and not self.options.allow_intl_phones:
            return "intl_phone"
        if email is None and not usable_phone:
            return "no_contact"
        if self._is_shared(email, phone):
            return "shared_contact"
        return "below_minimum_score" if score < max(0.22, self.options.min_score) else None

    def _is_shared(self, email: str | None, phone: str | None) -> bool:
        contacts = [plain_emails.canonical(email) if email else "", phone or ""]
        for contact in filter(None, contacts):
            self.shared[contact] = self.shared.get(contact, 0) + 1
        limit = self.options.max_fans_per_contact
        return limit > 0 and any(
            self.shared.get(contact, 0) > limit for contact in filter(None, contacts)
        )


def judge_file(
    content: bytes, judge: PlainJudge
) -> Iterator[tuple[int, Outcome, dict[str, object]]]:
    """Line number, outcome and fields (none of a malformed row) of every line behind the header,
    which must be a good one.
    """
    header, *lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    columns = [name.strip() for name in header.decode().split("\t")]
    if lines and not lines[-1]:
        lines.pop()  # nothing stands behind the last line's end
    for number, line in enumerate(lines, start=2):
        row = fields_of(line, columns)
        if row is None:
            yield number, Outcome("malformed_row"), {}
        else:
            confirmed = str(row.get("phone_confirmed", "")).lower() in ("true", "1", "yes")
            yield number, judge.outcome(row | {"confirmed": confirmed, "known_phone": None}), row


def fields_of(line: bytes, columns: list[str]) -> dict[str, object] | None:
    """The trimmed fields of a line by column, or None if it is malformed."""
    if len(line) > LONGEST_LINE:
        return None
    try:
        fields = line.removesuffix(b"\r").decode().split("\t")
    except UnicodeDecodeError:
        return None
    if len(fields) != len(columns) or any(
        unicodedata.category(character) == "Cc" for character in "".join(fields)
    ):
        return None
    row: dict[str, object] = {
        name: text.strip(WHITE_SPACE) for name, text in zip(columns, fields, strict=True)
    }
    return None if len(str(row["global_user_id"])) > LONGEST_ID else row


def as_kept(line: bytes) -> str:
    """A rejected line as it is kept: what is not UTF-8, and NUL, as \\xNN. [S-11]"""
    return line.removesuffix(b"\r").decode(errors="backslashreplace").replace("\x00", "\\x00")


def plain_score(text: str) -> float | None:
    if not NUMBER.fullmatch(text):
        return None
    return float(text) if 0 <= float(text) <= 1 else None


def plain_phone(
    written: str, country: str, home: str = "US"
) -> tuple[str | None, str | None, str | None]:
    """E.164, the number's own region and the tag of one phone, by phonenumbers. [S-5]"""
    if not written:
        return None, None, "missing_phone"
    if re.fullmatch(r"[+-]?\d+\.0*|[+-]?\d+(\.\d+)?[eE][+-]?\d+", written):
        return None, None, "invalid_phone"
    try:
        number = phonenumbers.parse(
            written, country if country in phonenumbers.SUPPORTED_REGIONS else home
        )
    except phonenumbers.NumberParseException:
        return None, None, "invalid_phone"
    if not phonenumbers.is_valid_number(number):
        return None, None, "invalid_phone"
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    tag = None if phonenumbers.number_type(number) in SMS_TYPES else "not_mobile"
    return e164, phonenumbers.region_code_for_number(number), tag


def plain_band(score: float) -> str:
    return "high" if score >= 0.95 else "mid" if score >= 0.80 else "low"


def plain_roster(accepted: list[tuple[str, str]], salt: bytes) -> str:
    """S-10's digest over fan ids and raw scores as written, of fans who have not registered."""

    def reference(fan: str) -> str:
        nonce = hmac.new(salt, fan.encode(), "sha256").digest()
        return hashlib.sha256(nonce + fan.encode()).hexdigest()

    lines = [f"{reference(fan)}\t{raw}\t\n" for fan, raw in accepted]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
