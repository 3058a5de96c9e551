"""What the pages' templates need beyond Django's own tags."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django import template
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import BaseForm, BoundField
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaigns.draw import BANDS
from campaigns.fairness.reports import Report
from campaigns.fairness.suspicious import reports as suspicious
from campaigns.fairness.wording import sentence
from console.charts import svg
from console.words import TONES, words
from operations import instants
from operations.adminkit.countdowns import until
from operations.adminkit.wall_clock import moment, there
from operations.entry.wall_clock import place
from operations.job_kinds import JobKind, shown_kind
from operations.models import Job
from waves.choices import WaveState
from waves.models import WaveMarket

register = template.Library()
EMOJI = re.compile(r"^:[a-z0-9_+-]+:\s*")
register.filter("words", words)
register.filter("moment", moment)
register.filter("there", there)


@register.filter
def beside_fields(errors: Collection[object]) -> int:
    """How many of a form's errors are shown beside a field."""
    return len(errors) - (NON_FIELD_ERRORS in errors)


@register.filter
def number(value: int | None) -> str:
    """1234567 → 1,234,567."""
    return "–" if value is None else f"{value:,}"


@register.filter
def field(form: BaseForm, name: str) -> BoundField:
    """A form's field by its name."""
    return form[name]


@register.filter
def signed(change: int) -> str:
    """A change in words: +1,234, −3, no change."""
    return f"{change:+,}".replace("-", "\N{MINUS SIGN}") if change else "no change"


@register.filter
def job_kind(job: Job) -> JobKind:
    """What is declared of this kind of job."""
    return shown_kind(job.kind)


@register.filter
def can_be_cancelled(job: Job) -> bool:
    return not shown_kind(job.kind).cancel_refusal(job)


@register.filter
def without_emoji(text: str) -> str:
    """An alert's text without Slack's `:name:` in front, which only Slack draws."""
    return EMOJI.sub("", text)


@register.filter
def fairness_sentence(report: Report) -> str:
    """What a fairness report says in one sentence."""
    return sentence(report)


@register.filter
def suspicious_sentence(summary: suspicious.Summary) -> str:
    """What a search for suspicious groups found in one sentence."""
    return suspicious.sentence(summary)


@register.filter
def score(value: float | None) -> str:
    return "–" if value is None else f"{value:.6f}"


@register.filter
def ago(value: datetime | None) -> str:
    """`3 min ago`, `in 2 h`."""
    if value is None:
        return "–"
    seconds = (timezone.now() - value).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"in {lasting(-seconds)}" if seconds < 0 else f"{lasting(seconds)} ago"


@register.filter
def is_past(value: datetime) -> bool:
    return value < timezone.now()


@register.simple_tag
def countdown(due: datetime, state: str) -> SafeString:
    """How long until a wave is due, by the second: the browser counts on from the server's time.
    Without scripts it says when that was true. A scheduled one that is not sent is late.
    """
    now, past = timezone.now(), "late" if state == WaveState.SCHEDULED else "ago"
    return format_html(
        '<time datetime="{due}" data-due="{due}" data-now="{now}" data-past="{past}">{text}</time>'
        "<noscript> (at {clock} UTC)</noscript>",
        due=due.isoformat(),
        now=instants.stamp(now),
        past=past,
        text=until(due, now, past=past),
        clock=f"{now:%H:%M:%S}",
    )


@register.simple_tag
def clock(zone: str) -> SafeString:
    """What the clocks of a time zone show now; the browser goes on from the server's time."""
    now = timezone.now()
    return format_html(
        '<time data-clock="{zone}" data-now="{now}">{clock}</time> in {place}',
        zone=zone,
        now=instants.stamp(now),
        clock=f"{now.astimezone(ZoneInfo(zone)):%H:%M:%S}",
        place="UTC" if zone == "UTC" else place(ZoneInfo(zone)),
    )


@register.simple_tag
def seats(market: WaveMarket) -> SafeString:
    """The seats of a market as one bar: those given before, those selected, those still free."""
    free = max(0, market.capacity - market.given - market.selected)
    return svg.progress(
        [("soft", market.given), ("good", market.selected)],
        max(market.capacity, market.given + market.selected),
        f"{market.given:,} given before, {market.selected:,} selected, {free:,} of"
        f" {market.capacity:,} seats still free",
    )


@register.filter
def lasting(seconds: float | timedelta | None) -> str:
    if seconds is None:
        return "–"
    whole = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


@register.simple_tag
def state(name: str) -> SafeString:
    """The state as a small coloured word; the word says it, the colour only helps."""
    return format_html(
        '<span class="fw-badge fw-{}">{}</span>', TONES.get(name, "plain"), name.replace("_", " ")
    )


@register.simple_tag
def bars(counts: Mapping[str, int], total: int, caption: str) -> SafeString:
    return svg.bars(counts or {}, total, caption)


@register.simple_tag
def bands(counts: Mapping[str, int], total: int, caption: str) -> SafeString:
    """As `bars`, but the bands are in their own order, the highest first. [S-7]"""
    return svg.bars(counts or {}, total, caption, order=[band.name for band in BANDS])
