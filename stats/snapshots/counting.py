"""The counts behind a campaign's figures. What the house keeps is read; what it does not is counted
by index, once for each change, or as often as it costs little. [O-3]

Registrants are counted by the transactions that change them (`RegistrantCount`), rows of score
files by the files, selected fans by the preparations, messages of waves by blocks that changed.
Left to count are the codes of each wave and the free ones, and once for each active score file who
prefers which market.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db.models import Sum

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, ScoreFile
from operations.database.statements import rows, run
from stats.models import KeptCount, RegistrantCount
from stats.snapshots.figures import CHANNELS, CODES, Figures, added_up, rest
from waves.choices import SendState, WaveState
from waves.figures import kept as wave_figures
from waves.figures.parts import Figures as WaveFigures
from waves.models import Wave, WaveMarket

# One row for each campaign: whoever adds up at the same time finds nothing left to add.
ADD_UP: Final = """
WITH many AS (
    SELECT campaign_id FROM stats_registrantcount GROUP BY campaign_id HAVING count(*) > 1
), gone AS (
    DELETE FROM stats_registrantcount WHERE campaign_id IN (SELECT campaign_id FROM many)
    RETURNING campaign_id, registered, confirmed
)
INSERT INTO stats_registrantcount (campaign_id, registered, confirmed)
SELECT campaign_id, sum(registered), sum(confirmed) FROM gone
WHERE campaign_id IN (SELECT id FROM campaigns_campaign) GROUP BY campaign_id
"""
# The combinations of preferences are few, the fans are many: those are counted first.
WANTED: Final = """
SELECT market, sum(fans)::bigint FROM (
    SELECT preferences, count(*) AS fans FROM campaigns_fanscore
    WHERE score_file_id = %(file)s AND preferences <> '' GROUP BY preferences
) AS lists, string_to_table(preferences, '|') AS market GROUP BY market
"""
FREE_CODES: Final = """
SELECT (SELECT count(*) FROM waves_code
        WHERE campaign_id = %(campaign)s AND state = 'available' AND source = 'own')
     + (SELECT count(*) FROM waves_code
        WHERE campaign_id = %(campaign)s AND state = 'available' AND source = 'partner')
"""
CODES_OF_WAVE: Final = """
SELECT CASE WHEN state = 'reserved' THEN 'reserved' ELSE 'assigned' END, count(*)
FROM waves_code WHERE wave_id = %(wave)s GROUP BY 1
"""


def figures_of(campaign: Campaign, *, at: datetime) -> Figures:
    """The campaign's figures now; `at` decides which counts are taken again."""
    registered, confirmed = registrants(campaign)
    totals = added_up(wave_counts(campaign, at=at))
    free = kept(f"free codes of {campaign.pk}", "", partial(_free, campaign), at=at)
    file = _active_file(campaign)
    return Figures(
        registered=registered,
        confirmed=confirmed,
        **(_of_file(file, at=at) if file else {}),
        selected=selected(campaign),
        codes=dict.fromkeys(CODES, 0) | totals["codes"] | free,
        messages={channel: totals[channel] for channel in CHANNELS},
    )


def add_up() -> None:
    """Registrants of each campaign in one row, and none of campaigns that are gone."""
    run(ADD_UP)


def registrants(campaign: Campaign) -> tuple[int, int]:
    """How many are registered, and how many of them have a confirmed phone."""
    counted = RegistrantCount.objects.filter(campaign=campaign).aggregate(
        registered=Sum("registered", default=0), confirmed=Sum("confirmed", default=0)
    )
    return counted["registered"], counted["confirmed"]


def selected(campaign: Campaign) -> dict[str, int]:
    """Fans by market that waves selected, as their preparations counted them. Cancelled and failed
    waves hold nobody; a fan whom a later wave reassigns counts in both.
    """
    markets = WaveMarket.objects.filter(wave__campaign=campaign, wave__live=True)
    markets = markets.exclude(wave__state__in=[WaveState.CONFIGURED, WaveState.CODE_GENERATED])
    return dict(markets.order_by().values_list("market__market_id").annotate(fans=Sum("selected")))


def wave_counts(campaign: Campaign, *, at: datetime) -> list[dict[str, Any]]:
    """Of each of its waves the `codes` by what became of them, and the messages of channels."""
    waves = list(Wave.objects.filter(campaign=campaign).order_by("id"))
    sent = wave_figures.figures_of_all(wave.pk for wave in waves if wave.triggered_at)
    return [
        {"codes": codes_of(wave, at=at)} | (channels_of(sent[wave.pk]) if wave.pk in sent else {})
        for wave in waves
    ]


def channels_of(figures: WaveFigures) -> dict[str, dict[str, int]]:
    """The messages of a wave by channel: OUTCOMES, and how many were ever queued."""
    return {
        name: {
            **channel.detail,
            "unknown": channel.states[SendState.UNKNOWN],
            "waiting": channel.states[SendState.PENDING] + channel.states[SendState.SENDING],
            "queued": channel.queued,
        }
        for name, channel in figures.channels.items()
        if channel.all
    }


def codes_of(wave: Wave, *, at: datetime) -> dict[str, int]:
    """Codes that the wave holds: `reserved`, `assigned`."""
    return kept(f"codes of wave {wave.pk}", wave.state, partial(_codes, wave.pk), at=at)


def _codes(wave_pk: int) -> dict[str, int]:
    return dict(rows(CODES_OF_WAVE, wave=wave_pk))


def kept(
    name: str, state: str, count: Callable[[], dict[str, Any]], *, at: datetime
) -> dict[str, Any]:
    """What `count` found last, or finds now: in another state, or after its rest."""
    last = KeptCount.objects.filter(name=name).first()
    if last is not None and last.state == state and at < _due(last):
        return dict(last.figures)
    started = time.monotonic()
    found = count()
    is_same = last is not None and last.figures == found
    KeptCount.objects.update_or_create(
        name=name,
        defaults={
            "state": state,
            "figures": found,
            "seconds": time.monotonic() - started,
            "unchanged": last.unchanged + 1 if last is not None and is_same else 0,
            "counted_at": at,
        },
    )
    return found


def _due(last: KeptCount) -> datetime:
    return last.counted_at + rest(last.seconds, last.unchanged)


def wanted(file: ScoreFile, *, at: datetime) -> dict[str, int]:
    """Accepted fans by each market that they prefer. Rows of a score file never change, so they
    are counted once.
    """
    name = f"wanted of score file {file.pk}"
    last = KeptCount.objects.filter(name=name).first()
    if last is not None:
        return dict(last.figures)
    return kept(name, file.state, lambda: dict(rows(WANTED, file=file.pk)), at=at)


def open_campaigns() -> list[Campaign]:
    return list(
        Campaign.objects.filter(status=CampaignStatus.OPEN).defer("seed", "salt").order_by("id")
    )


def _active_file(campaign: Campaign) -> ScoreFile | None:
    if campaign.active_score_file_id is None:
        return None
    return ScoreFile.objects.defer("rules", "fairness").get(pk=campaign.active_score_file_id)


def _of_file(file: ScoreFile, *, at: datetime) -> dict[str, Any]:
    return {
        "scored": file.rows_in,
        "accepted": file.accepted,
        "rejected": file.rejected,
        "rejected_by": file.rejected_by,
        "bands": file.bands,
        "wanted": wanted(file, at=at),
    }


def _free(campaign: Campaign) -> dict[str, int]:
    return {"free": rows(FREE_CODES, campaign=campaign.pk)[0][0]}
