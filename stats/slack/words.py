"""What Slack reads of a campaign's figures and of a wave that is complete. Pure: counts in, plain
words out; no contact, code or fan is in any of them. [O-3]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from operations.adminkit.countdowns import length
from operations.plurals import plural
from stats.snapshots.figures import CODES

CHANNEL_NAMES: Final = {"sms": "SMS", "email": "E-mail"}
# (key, words, whether it is told when it is 0)
OUTCOME_WORDS: Final = (
    ("sent", "sent", True),
    ("delivered", "delivered", False),
    ("undeliverable", "undeliverable", False),
    ("failed", "failed", False),
    ("unknown", "outcome unknown", False),
    ("waiting", "waiting", False),
)
MOST_REASONS: Final = 5


class Merged(NamedTuple):
    """One period of a type, merged."""

    record_type: str
    period: str
    files: int
    records: int
    bytes_before: int
    bytes_after: int
    seconds: float


def of_campaign(
    name: str, artist: str, figures: Mapping[str, Any], before: Mapping[str, Any], link: str
) -> str:
    """The figures of a campaign, each with how it changed since `before` (empty: the first time).

    Both are Figures as JSON.
    """
    lines = [
        f":bar_chart: {name}, {artist}",
        (
            f"Registered: {_counted(figures, before, 'registered')}, with a confirmed phone:"
            f" {_counted(figures, before, 'confirmed')}"
        ),
    ]
    if figures["scored"]:
        bands = ", ".join(f"{band} {fans:,}" for band, fans in figures["bands"].items())
        lines.append(
            f"Score file: {_counted(figures, before, 'accepted')} accepted"
            f"{f' ({bands})' if bands else ''}, {figures['rejected']:,} rejected"
        )
    if any(figures["selected"].values()):
        lines.append(f"Selected: {sum(figures['selected'].values()):,}")
    if any(figures["codes"].values()):
        codes, earlier = figures["codes"], before.get("codes", {})
        lines.append(
            "Access codes: " + ", ".join(f"{_counted(codes, earlier, of)} {of}" for of in CODES)
        )
    for channel, counts in figures["messages"].items():
        if counts:
            earlier = before.get("messages", {}).get(channel, {})
            lines.append(f"{CHANNEL_NAMES[channel]}: {outcomes(counts, earlier)}")
    return "\n".join([*lines, link])


def of_wave(
    name: str,
    members: int,
    counts: Mapping[str, Mapping[str, int]],
    seconds: Mapping[str, int],
    reasons: Mapping[str, Mapping[str, int]],
    took: timedelta,
    link: str,
) -> str:
    """A wave that is complete: fans, each channel with why messages failed, and how fast it was.

    `counts` and `seconds`: for each channel its outcomes, and how long it was sent on.
    `reasons`: for each channel the failed messages by their reason in words.
    """
    lasted = length(max(1, round(took.total_seconds())))
    lines = [f":white_check_mark: Wave {name} is complete: {plural(members, 'fan')} in {lasted}"]
    for channel, words in CHANNEL_NAMES.items():
        if any(counts.get(channel, {}).get(key) for key, _, _ in OUTCOME_WORDS):
            why = _reasons(reasons.get(channel, {}))
            rate = per_second(counts[channel]["sent"], seconds.get(channel, 0))
            lines.append(f"{words}: {outcomes(counts[channel], {})}{why}{rate}")
    return "\n".join([*lines, link])


def of_merges(merges: Iterable[Merged], link: str) -> str:
    """Periods of the lake that were merged, a line for each type of record."""
    by_type: dict[str, list[Merged]] = {}
    for merge in merges:
        by_type.setdefault(merge.record_type, []).append(merge)
    lines = [":card_file_box: Merged in the lake"]
    for record_type, done in sorted(by_type.items()):
        periods = sorted(merge.period for merge in done)
        span = periods[0] if len(periods) == 1 else f"{periods[0]} to {periods[-1]}"
        lines.append(
            f"{record_type}, {plural(len(periods), 'period')} ({span}):"
            f" {plural(sum(merge.files for merge in done), 'file')},"
            f" {plural(sum(merge.records for merge in done), 'record')},"
            f" {size(sum(merge.bytes_before for merge in done))} before,"
            f" {size(sum(merge.bytes_after for merge in done))} after,"
            f" {sum(merge.seconds for merge in done):,.1f} s"
        )
    return "\n".join([*lines, link])


def size(count: int) -> str:
    """`1.2 GB`, `340 kB`, `12 B`."""
    for power, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= power:
            return f"{count / power:,.1f} {unit}"
    return f"{count} B"


def outcomes(counts: Mapping[str, int], before: Mapping[str, int]) -> str:
    """`98,000 sent (+500), 2,000 failed`."""
    return ", ".join(
        f"{_counted(counts, before, key)} {words}"
        for key, words, always in OUTCOME_WORDS
        if always or counts.get(key)
    )


def per_second(sent: int, seconds: int) -> str:
    """`; 196 per second`, of what took more than a second."""
    return f"; {sent / seconds:,.0f} per second" if seconds > 1 and sent else ""


def _counted(counts: Mapping[str, int], before: Mapping[str, int], key: str) -> str:
    now = counts.get(key, 0)
    change = now - before.get(key, 0) if before else 0
    return f"{now:,} ({change:+,})" if change else f"{now:,}"


def _reasons(reasons: Mapping[str, int]) -> str:
    """` (no such number 12, rejected 3)`: the most frequent ones."""
    if not reasons:
        return ""
    frequent = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    more = len(frequent) - MOST_REASONS
    named = [f"{words} {count:,}" for words, count in frequent[:MOST_REASONS]]
    return f" ({', '.join([*named, *([f'{more} other reasons'] if more > 0 else [])])})"
