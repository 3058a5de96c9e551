"""SMS segments, what they cost, and how long sending takes. [X-6]"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from operations.adminkit.countdowns import length
from operations.plurals import plural
from waves.messages.sms_segments import Encoding, Segments
from waves.preflight.check import Check, Color, Problem, judged, red, yellow
from waves.preflight.texts import Flaw, Text, judged_texts

SEGMENTS, COST, TIME = "SMS segments", "SMS cost", "Time to finish"
NO_COUNTRY: Final = "numbers without a country"
MOST_SEGMENTS: Final = 6  # many networks refuse more than ten, and fans read less
LONG: Final = timedelta(hours=4)


@dataclass(frozen=True)
class SmsGroup:
    """SMS of one shape: their segments, how many go to which region ("" = unknown), and where the
    character that forces UCS-2 comes from, in words.
    """

    segments: Segments
    by_region: Mapping[str, int]
    text: Text
    source: str = ""

    @property
    def messages(self) -> int:
        return sum(self.by_region.values())


def segments_table(groups: Iterable[SmsGroup]) -> list[dict[str, Any]]:
    """Messages by encoding and number of segments: `{encoding, segments, messages}`."""
    counts: Counter[tuple[str, int]] = Counter()
    for group in groups:
        counts[group.segments.encoding.value, group.segments.count] += group.messages
    return [
        {"encoding": encoding, "segments": count, "messages": messages}
        for (encoding, count), messages in sorted(counts.items())
    ]


def judge_segments(groups: list[SmsGroup]) -> Check:
    """Yellow where a character forces UCS-2, which takes more than twice the segments, and where a
    text is very long.
    """
    flaws: list[Flaw] = []
    for group in groups:
        if group.segments.encoding == Encoding.UCS2:
            character = group.segments.forced_by
            shown = f"“{character}”" if character.isprintable() else ""
            what = (
                f"is sent as UCS-2 because of the character {shown} (U+{ord(character):04X}) in"
                f" {group.source}: with it, a segment holds 70 characters instead of 160."
            )
            flaws.append((Color.YELLOW, group.text, what))
        if group.segments.count > MOST_SEGMENTS:
            what = f"takes {group.segments.count} segments. Shorten it."
            flaws.append((Color.YELLOW, group.text, what))
    messages = sum(group.messages for group in groups)
    total = sum(group.messages * group.segments.count for group in groups)
    fine = f"{messages:,} SMS in {plural(total, 'segment')}." if groups else "No SMS are sent."
    return judged_texts(SEGMENTS, flaws, fine=fine)


def cost_table(
    groups: Iterable[SmsGroup], rates: Mapping[str, Decimal]
) -> list[dict[str, str | int | None]]:
    """By region of the phone: `{country, messages, segments, rate, cost}`; the last two are null
    where SMS_RATES has no price for it. Prices are text with all their digits.
    """
    messages, segments = Counter[str](), Counter[str]()
    for group in groups:
        for region, count in group.by_region.items():
            messages[region] += count
            segments[region] += count * group.segments.count
    return [
        {
            "country": region,
            "messages": messages[region],
            "segments": segments[region],
            "rate": str(rates[region]) if region in rates else None,
            "cost": str(segments[region] * rates[region]) if region in rates else None,
        }
        for region in sorted(messages)
    ]


def judge_cost(table: list[dict[str, Any]], currency: str) -> Check:
    """Yellow where the price of a country is not known."""
    unknown = [line["country"] or NO_COUNTRY for line in table if line["cost"] is None]
    total = sum((Decimal(line["cost"]) for line in table if line["cost"] is not None), Decimal(0))
    problems: list[Problem] = []
    if unknown:
        others = f" The others cost {total:,.2f} {currency}." if len(unknown) < len(table) else ""
        problems.append(
            yellow(
                f"The price of an SMS to {', '.join(unknown)} is not known: add it to SMS_RATES."
                f"{others}"
            )
        )
    return judged(COST, problems, fine=f"{total:,.2f} {currency}.")


@dataclass(frozen=True)
class Pace:
    """Messages to send and how many a second, of each channel, when the wave starts, and when its
    first code ends (null = it has none).
    """

    sms: int
    emails: int
    sms_per_second: int
    emails_per_second: int
    starts: datetime
    codes_end: datetime | None

    @property
    def sms_seconds(self) -> int:
        return -(-self.sms // self.sms_per_second)

    @property
    def email_seconds(self) -> int:
        return -(-self.emails // self.emails_per_second)

    @property
    def duration(self) -> timedelta:
        """Both channels are sent at once."""
        return timedelta(seconds=max(self.sms_seconds, self.email_seconds))


def judge_time(pace: Pace) -> Check:
    """Red where codes end before the last message is sent, yellow where the last fan gets theirs
    long after the first.
    """
    ends = pace.starts + pace.duration
    takes = " and ".join(
        f"{count:,} {what} at {rate:,} a second take {length(max(1, seconds))}"
        for count, what, rate, seconds in (
            (pace.sms, "SMS", pace.sms_per_second, pace.sms_seconds),
            (pace.emails, "e-mails", pace.emails_per_second, pace.email_seconds),
        )
        if count
    )
    slower = "SMS" if pace.sms_seconds >= pace.email_seconds else "EMAIL"
    problems: list[Problem] = []
    if pace.codes_end is not None and ends > pace.codes_end:
        problems.append(
            red(f"{takes}, and codes expire before that. Notify fewer fans, or send faster.")
        )
    elif pace.duration > LONG:
        problems.append(
            yellow(
                f"{takes}: the last fans can buy that much later than the first. Raise"
                f" {slower}_PER_SECOND if the provider allows more."
            )
        )
    return judged(TIME, problems, fine=f"{takes or 'There is no message to send'}.")
