"""Where a campaign stands on the road, and what comes next. Reads small tables only: no row of a
fan is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Sum

from campaigns.choices import CampaignStatus, ScoreFileState
from campaigns.models import Campaign, RegistrationImport, ScoreFile
from console.wave_progress import fans_told
from waves.choices import WaveState
from waves.models import SendResult, Wave

OVER = {WaveState.COMPLETED, WaveState.CANCELLED}
UNDER_WAY = {WaveState.TRIGGERED, WaveState.PAUSED}


@dataclass(frozen=True)
class Standing:
    """What is known of a campaign: sums of its files, its newest score file, its waves that are not
    over.
    """

    campaign: Campaign
    registered: int
    imports: int
    newest: ScoreFile | None
    active: ScoreFile | None
    waves: Sequence[Wave]
    told: int


@dataclass(frozen=True)
class Step:
    """One part of the road; `mark` is done, now, trouble or empty."""

    title: str
    figure: str
    note: str
    mark: str


@dataclass(frozen=True)
class Road:
    campaign: Campaign
    steps: list[Step]
    next: str
    tone: str = ""


def roads(campaigns: Iterable[Campaign]) -> list[Road]:
    """The roads of these campaigns in five queries, however many they are."""
    return [road(standing) for standing in _gather(list(campaigns))]


def _gather(campaigns: list[Campaign]) -> list[Standing]:
    imports: dict[Any, Any] = {
        row["campaign"]: row
        for row in (
            RegistrationImport.objects.filter(campaign__in=campaigns, finished=True)
            .order_by()
            .values("campaign")
            .annotate(accepted=Sum("accepted"), files=Count("id"))
        )
    }
    newest = {
        file.campaign_id: file
        for file in (
            ScoreFile.objects.filter(campaign__in=campaigns)
            .order_by("campaign_id", "-id")
            .distinct("campaign_id")
            .defer("rules", "fairness")
        )
    }
    counting = [
        campaign.active_score_file_id for campaign in campaigns if campaign.active_score_file_id
    ]
    active = ScoreFile.objects.defer("rules", "fairness").in_bulk(counting)
    waves = defaultdict(list)
    for wave in (
        Wave.objects.filter(campaign__in=campaigns)
        .order_by("notify_date")
        .defer("content", "options", "excluded")
    ):
        waves[wave.campaign_id].append(wave)
    told = dict(
        SendResult.objects.filter(wave__campaign__in=campaigns)
        .values_list("wave__campaign")
        .annotate(Sum("ok"))
        .order_by()
    )
    return [
        Standing(
            campaign,
            registered=imports.get(campaign.pk, {}).get("accepted") or 0,
            imports=imports.get(campaign.pk, {}).get("files") or 0,
            newest=newest.get(campaign.pk),
            active=active.get(campaign.active_score_file_id),
            waves=waves[campaign.pk],
            told=told.get(campaign.pk, 0)
            + sum(fans_told(wave) for wave in waves[campaign.pk] if wave.state in UNDER_WAY),
        )
        for campaign in campaigns
    ]


def road(standing: Standing) -> Road:
    """The five parts and the one sentence that says what to do next."""
    marks = [
        _registered(standing),
        _scored(standing),
        _active(standing),
        _waves(standing),
        _told(standing),
    ]
    text, tone = _next(standing)
    return Road(standing.campaign, marks, text, tone)


def _registered(standing: Standing) -> Step:
    note = f"from {_files(standing.imports)}" if standing.imports else "none imported yet"
    return Step(
        "Registrations", f"{standing.registered:,}", note, "done" if standing.imports else ""
    )


def _scored(standing: Standing) -> Step:
    newest = standing.newest
    if newest is None:
        return Step("Scores", "–", "no score file yet", "")
    if newest.state == ScoreFileState.FAILED:
        return Step(
            "Scores", "failed", newest.name, "trouble" if standing.active is None else "done"
        )
    if newest.state in (ScoreFileState.UPLOADED, ScoreFileState.PROCESSING):
        return Step("Scores", newest.state, newest.name, "now")
    mark = "done" if newest.is_drawn else "now"
    return Step("Scores", f"{newest.accepted:,}", f"accepted of {newest.rows_in:,}", mark)


def _active(standing: Standing) -> Step:
    if standing.active is None:
        return Step("Active file", "–", "none is active", "")
    return Step(
        "Active file",
        f"no. {standing.active.attempt}",
        f"{standing.active.accepted:,} fans in the draw",
        "done",
    )


def _waves(standing: Standing) -> Step:
    held = [wave for wave in standing.waves if wave.state in (WaveState.HELD, WaveState.FAILED)]
    going = [wave for wave in standing.waves if wave.state not in OVER]
    done = sum(wave.state == WaveState.COMPLETED for wave in standing.waves)
    selected = sum(
        wave.selected
        for wave in standing.waves
        if wave.state not in (WaveState.CANCELLED, WaveState.FAILED)
    )
    mark = "trouble" if held else "now" if going else "done" if done else ""
    note = f"{len(going)} under way, {done} completed" if standing.waves else "none prepared yet"
    return Step("Waves", f"{selected:,}", f"selected; {note}" if standing.waves else note, mark)


def _told(standing: Standing) -> Step:
    states = {wave.state for wave in standing.waves}
    note = "fans told" if standing.told else "nothing sent yet"
    if states & UNDER_WAY:
        note = "fans told; sending now" if WaveState.TRIGGERED in states else "fans told; paused"
    return Step(
        "Sent",
        f"{standing.told:,}",
        note,
        "now" if states & UNDER_WAY else "done" if standing.told else "",
    )


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _next(standing: Standing) -> tuple[str, str]:
    """The sentence and its tone ("", warn or bad)."""
    status = standing.campaign.status
    if status == CampaignStatus.DRAFT:
        return (
            (
                "See that all markets are there, then open the campaign: that fixes the draw and"
                " publishes its commitment."
            ),
            "",
        )
    if status != CampaignStatus.OPEN:
        return "The campaign is closed: the draw is revealed and can be checked by anybody.", ""
    return _next_of_waves(standing) or _next_of_files(standing)


def _next_of_files(standing: Standing) -> tuple[str, str]:
    newest, campaign = standing.newest, standing.campaign
    if not standing.imports:
        return "Upload the registrations.", ""
    if newest is None:
        return "Upload a score file.", ""
    if newest.state in (ScoreFileState.UPLOADED, ScoreFileState.PROCESSING):
        return f"{newest.name} is being judged row by row.", ""
    if newest.state == ScoreFileState.VALIDATED and not campaign.draw_ready:
        return f"Enter the value of “{campaign.entropy_source}”: the draw waits for it.", "warn"
    if standing.active is None and newest.state == ScoreFileState.FAILED:
        return f"{newest.name} failed: see why, mend it and upload it again.", "bad"
    if standing.active is None:
        return "Choose which score file counts.", "warn"
    if not standing.waves:
        return "Prepare the first wave.", ""
    return "Every wave is over. Prepare another one, or close the campaign to reveal the draw.", ""


WAVE_NEXT = {
    WaveState.HELD: (
        "Wave {} is held: it came due too late. Decide whether it still goes out.",
        "bad",
    ),
    WaveState.FAILED: ("Wave {} failed: see why and try again.", "bad"),
    WaveState.PAUSED: ("Wave {} is paused in the middle of sending.", "warn"),
    WaveState.TRIGGERED: ("Wave {} is going out now.", ""),
    WaveState.PREPARED: ("Wave {} waits for a second person's approval.", "warn"),
    WaveState.APPROVED: ("Wave {} is approved: schedule it.", "warn"),
    WaveState.CONFIGURED: ("Wave {} is not prepared yet.", ""),
    WaveState.CODE_GENERATED: ("Wave {} is not prepared yet.", ""),
    WaveState.SCHEDULED: ("Wave {} goes out by itself when it is due.", ""),
}


def _next_of_waves(standing: Standing) -> tuple[str, str] | None:
    """The most pressing wave speaks, in the order of the table above."""
    by_state = {wave.state: wave for wave in reversed(standing.waves)}
    for state, (sentence, tone) in WAVE_NEXT.items():
        if state in by_state:
            return sentence.format(by_state[WaveState(state)].name), tone
    return None
