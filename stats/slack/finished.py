"""Slack is told once of each wave that is complete, and of merges of the lake. [O-3]"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from datalake.choices import MergeState
from datalake.models import Merge
from operations.alerts import alert
from stats.choices import Finished
from stats.models import Summary
from stats.slack import words
from stats.snapshots.counting import channels_of
from waves.choices import SendState, WaveState
from waves.figures import kept as wave_figures
from waves.figures.parts import ChannelFigures
from waves.models import Send, Wave
from waves.providers.reasons import reason_in_words

# What was finished before is history: a new installation does not tell of years.
LOOKED_BACK: Final = timedelta(days=1)
# A wave is complete when its e-mails are queued: they are waited for, but not for ever.
WAITS_FOR_EMAILS: Final = timedelta(minutes=30)
OPEN: Final = [SendState.PENDING, SendState.SENDING]


def report(*, now: datetime) -> int:
    """Returns how many waves and merges Slack was told of."""
    waves = sum(_report_wave(wave, now) for wave in _complete(now))
    return waves + _report_merges(_merged(now))


def _complete(now: datetime) -> QuerySet[Wave]:
    told = Summary.objects.filter(of=Finished.WAVE, number=OuterRef("pk"))
    done = Wave.objects.filter(state=WaveState.COMPLETED, completed_at__gt=now - LOOKED_BACK)
    return done.filter(~Exists(told)).order_by("completed_at", "id")


def _report_wave(wave: Wave, now: datetime) -> bool:
    waiting = Send.objects.filter(wave=wave, state__in=OPEN)
    assert wave.completed_at is not None  # noqa: S101 it was looked for by it
    if now < wave.completed_at + WAITS_FOR_EMAILS and waiting.exists():
        return False
    text = _text(wave)
    with transaction.atomic():
        if not _claimed(Finished.WAVE, [wave.pk]):
            return False
        alert(text)
    return True


def _text(wave: Wave) -> str:
    figures = wave_figures.figures(wave.pk)
    reasons = {name: _failed(channel) for name, channel in figures.channels.items()}
    seconds = {
        name: max(channel.by_second) - min(channel.by_second)
        for name, channel in figures.channels.items()
        if channel.by_second
    }
    took = (wave.completed_at or wave.notify_date) - (wave.triggered_at or wave.notify_date)
    link = f"{settings.SITE_URL.rstrip('/')}{reverse('wave', args=[wave.name])}"
    return words.of_wave(
        wave.name, wave.selected, channels_of(figures), seconds, reasons, took, link
    )


def _failed(channel: ChannelFigures) -> dict[str, int]:
    found = Counter[str]()
    for (state, reason), number in channel.by_reason.items():
        if state == SendState.FAILED:
            found[reason_in_words(reason)] += number
    return dict(found)


def _merged(now: datetime) -> list[Merge]:
    told = Summary.objects.filter(of=Finished.MERGE, number=OuterRef("pk"))
    done = Merge.objects.filter(
        state__in=[MergeState.MERGED, MergeState.ARCHIVED], merged_at__gt=now - LOOKED_BACK
    )
    return list(done.filter(~Exists(told)).order_by("id"))


@transaction.atomic
def _report_merges(merges: list[Merge]) -> int:
    mine = _claimed(Finished.MERGE, [merge.pk for merge in merges])
    told = [merge for merge in merges if merge.pk in mine]
    if told:
        link = f"{settings.SITE_URL.rstrip('/')}{reverse('admin:datalake_merge_changelist')}"
        alert(words.of_merges(map(_as_words, told), link))
    return len(told)


def _as_words(merge: Merge) -> words.Merged:
    return words.Merged(
        merge.record_type,
        merge.period,
        merge.files,
        merge.records_out,
        merge.bytes_before,
        merge.bytes_after,
        merge.seconds,
    )


def _claimed(of: Finished, numbers: Iterable[int]) -> set[int]:
    """The ones that nobody has told of; whoever writes the row tells. In the caller's transaction,
    so that the row and the message come together or not at all.
    """
    return {
        number
        for number in sorted(numbers)
        if Summary.objects.get_or_create(of=of, number=number)[1]
    }
