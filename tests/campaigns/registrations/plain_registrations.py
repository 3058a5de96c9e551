"""C-4 read in plain Python, one line after the other: what the columns, chunks, COPYs and merges of
registration files must equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from operations.entry import languages
from tests.campaigns.contacts import plain_emails
from tests.campaigns.contacts.plain_emails import WHITE_SPACE
from tests.campaigns.formats.test_csv_lines import expected as csv_records
from tests.campaigns.scoring.plain_scores import PlainJudge, as_kept, fields_of

COLUMNS = (
    *("global_user_id", "member_id", "email", "phone", "phone_confirmed", "country_code"),
    *("language", "market_preferences", "registered_at", "date_created"),
)
Row = dict[str, str]


def rows_of(content: bytes) -> Iterator[tuple[int, Row | None, str]]:
    """Number, trimmed fields (None of a malformed line) and the kept text of each line behind the
    header, which must name the columns as COLUMNS do.
    """
    head, _, text = content.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    has_tabs = b"\t" in head
    names = [name.strip() for name in head.decode().split("\t" if has_tabs else ",")]
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    in_tabs = lines if has_tabs else list(_in_tabs(lines))
    for number, line in enumerate(in_tabs, start=2):
        fields = fields_of(line, names)
        row = None if fields is None else {name: str(fields.get(name, "")) for name in COLUMNS}
        yield number, row, as_kept(line)


def _in_tabs(lines: list[bytes]) -> Iterator[bytes]:
    """Lines of CSV with tabs between their fields; what cannot be cut is one field."""
    text = "".join(line.decode("latin-1") + "\n" for line in lines)
    ends = [line.endswith(b"\r") for line in lines]
    for line, fields, ends_with_cr in zip(lines, csv_records(text), ends, strict=True):
        if fields is None:
            alone = line.removesuffix(b"\r").replace(b"\t", b"\\t").replace(b"\r", b"\\r")
            yield alone
        else:
            cut = "\t".join(fields).encode("latin-1")
            yield cut + b"\r" if ends_with_cr else cut


@dataclass
class PlainImport:
    """What is known of a campaign's fans, and what one file after the other makes of it."""

    judge: PlainJudge
    market_ids: list[str]
    opens: datetime | None = None
    closes: datetime | None = None
    fans: dict[str, Row | Any] = field(default_factory=dict)
    published: list[tuple[Any, ...]] = field(default_factory=list)

    def take(self, rows: Iterable[tuple[int, Row | None, str]]) -> dict[int, str]:
        """The reason of each rejected line. Fans and published records are then as they should
        be.
        """
        reasons: dict[int, str] = {}
        good: list[dict[str, Any]] = []
        for line, row, _ in rows:
            judged = None if row is None else self._judged(line, row)
            if judged is None:
                reasons[line] = "malformed_row"
            elif judged["reason"]:
                reasons[line] = judged["reason"]
            else:
                good.append(judged)
        good = self._without_shared(good, reasons)
        self._merge(good, reasons)
        self.tagged = Counter(
            tag for row in good if row["line"] not in reasons for tag in row["tags"]
        )
        return dict(sorted(reasons.items()))

    def _judged(self, line: int, row: Row) -> dict[str, Any] | None:
        at, changed = plain_instant(row["registered_at"]), plain_instant(row["date_created"])
        if at is None or (changed is None and row["date_created"]):
            return None
        confirmed = row["phone_confirmed"].lower() in ("true", "1", "yes")
        outcome = PlainJudge(self.judge.options, self.judge.lists).outcome(
            {
                "global_user_id": row["global_user_id"],
                "tmemail": row["email"],
                "sms": row["phone"],
                "country_code": row["country_code"],
                "raw_local_fanscore": "1",
                "confirmed": confirmed,
                "known_phone": None,
            }
        )
        wanted = [each.strip(WHITE_SPACE) for each in row["market_preferences"].split("|")]
        wanted = list(dict.fromkeys(filter(None, wanted)))
        language = languages.canonical(row["language"])
        tags = outcome.tags + ["invalid_language"] * bool(row["language"] and not language)
        country = row["country_code"].upper()
        return {
            "line": line,
            "reason": outcome.reason or self._reason(at, wanted),
            "fan": row["global_user_id"],
            "member_id": row["member_id"],
            "email": outcome.email,
            "phone": outcome.phone,
            "phone_region": outcome.region,
            "phone_confirmed": outcome.confirmed,
            "country": country if len(country) == 2 else "",
            "language": language,
            "preferences": wanted,
            "registered_at": at,
            "changed_at": changed or at,
            "tags": tags,
        }

    def _reason(self, at: datetime, wanted: list[str]) -> str | None:
        if (self.opens and at < self.opens) or (self.closes and at > self.closes):
            return "outside_window"
        return "unknown_market" if set(wanted) - set(self.market_ids) else None

    def _without_shared(
        self, rows: list[dict[str, Any]], reasons: dict[int, str]
    ) -> list[dict[str, Any]]:
        limit = self.judge.options.max_fans_per_contact
        first_lines: dict[str, int] = {}
        fans_of: dict[str, list[int]] = {}
        for row in rows:
            first = first_lines.setdefault(row["fan"], row["line"])
            for contact in self._contacts(row):
                fans_of.setdefault(contact, []).append(first)
        for row in rows:
            for contact in self._contacts(row):
                place = sorted(set(fans_of[contact])).index(first_lines[row["fan"]])
                if limit and place >= limit:
                    reasons[row["line"]] = "shared_contact"
        return [row for row in rows if row["line"] not in reasons]

    def _contacts(self, row: dict[str, Any]) -> list[str]:
        canonical = plain_emails.canonical(row["email"]) if row["email"] else ""
        return [contact for contact in (canonical, row["phone"]) if contact]

    def _merge(self, rows: list[dict[str, Any]], reasons: dict[int, str]) -> None:
        for fan in dict.fromkeys(row["fan"] for row in rows):
            of_fan = [row for row in rows if row["fan"] == fan]
            newest = max(of_fan, key=lambda row: (row["changed_at"], row["line"]))
            earliest, known = min(row["registered_at"] for row in of_fan), self.fans.get(fan)
            reasons |= {row["line"]: "superseded" for row in of_fan if row is not newest}
            if known:
                earliest = min(earliest, known["registered_at"])
                known["registered_at"] = earliest
                if known["changed_at"] > newest["changed_at"]:
                    reasons[newest["line"]] = "superseded"
                    continue
            merged = newest | {"registered_at": earliest}
            merged["language"] = newest["language"] or (known["language"] if known else "")
            if known is None or stamp(known["changed_at"]) != stamp(merged["changed_at"]):
                self.published.append(as_record(merged))
            self.fans[fan] = merged


def as_record(row: dict[str, Any]) -> tuple[Any, ...]:
    """Date, fan, member, market, e-mail, phone and tags of a published record; trimmed, empty ones
    None.
    """
    first = row["preferences"][0] if row["preferences"] else ""
    texts = (row["member_id"], first, row["email"], row["phone"])
    kept = [text.strip() or None for text in texts]
    return (stamp(row["changed_at"]), row["fan"].strip(), *kept, row["tags"])


def stamp(moment: datetime) -> str:
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text[:23] + "Z"


def plain_instant(text: str) -> datetime | None:
    """An ISO 8601 date with an offset, of the years 2000 to 2200 in UTC. [C-2]"""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            return None
        found = found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if 2000 <= found.year <= 2200 else None
