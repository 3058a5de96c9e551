"""The progress of a campaign, and what comes next. Reads small tables only: no row of a
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
from console.wave_progress import notified
from operations.plurals import plural
from waves.choices import WaveState
from waves.models import Wave

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
    notified: int


@dataclass(frozen=True)
class Step:
    """One step of a campaign; `mark` is done, now, trouble or empty."""

    title: str
    figure: str
    note: str
    mark: str


@dataclass(frozen=True)
class Progress:
    campaign: Campaign
    steps: list[Step]
    next: str
    tone: str = ""


def progress_of(campaigns: Iterable[Campaign]) -> list[Progress]:
    """The progress of these campaigns, in five queries however many they are."""
    return [_progress(standing) for standing in _gather(list(campaigns))]


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
    reached = notified([campaign.pk for campaign in campaigns])
    return [
        Standing(
            campaign,
            registered=imports.get(campaign.pk, {}).get("accepted") or 0,
            imports=imports.get(campaign.pk, {}).get("files") or 0,
            newest=newest.get(campaign.pk),
            active=active.get(campaign.active_score_file_id),
            waves=waves[campaign.pk],
            notified=reached.get(campaign.pk, 0),
        )
        for campaign in campaigns
    ]


def _progress(standing: Standing) -> Progress:
    """The five parts and the one sentence that says what to do next."""
    marks = [
        _registered(standing),
        _scored(standing),
        _active(standing),
        _waves(standing),
        _sent(standing),
    ]
    text, tone = _next(standing)
    return Progress(standing.campaign, marks, text, tone)


def _registered(standing: Standing) -> Step:
    note = f"from {plural(standing.imports, 'file')}" if standing.imports else "none uploaded yet"
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
        return Step("Active file", "–", "none", "")
    return Step(
        "Active file",
        f"attempt {standing.active.attempt}",
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
    note = f"{len(going)} in progress, {done} completed" if standing.waves else "none prepared yet"
    return Step("Waves", f"{selected:,}", f"selected; {note}" if standing.waves else note, mark)


def _sent(standing: Standing) -> Step:
    states = {wave.state for wave in standing.waves}
    note = "fans notified" if standing.notified else "nothing sent yet"
    if states & UNDER_WAY:
        note = (
            "fans notified; sending" if WaveState.TRIGGERED in states else "fans notified; paused"
        )
    return Step(
        "Sent",
        f"{standing.notified:,}",
        note,
        "now" if states & UNDER_WAY else "done" if standing.notified else "",
    )


def _next(standing: Standing) -> tuple[str, str]:
    """The sentence and its tone ("", warn or bad)."""
    status = standing.campaign.status
    if status == CampaignStatus.DRAFT:
        return (
            (
                "Check that all markets are entered. Then open the campaign, which locks the"
                " draw and publishes its commitment."
            ),
            "",
        )
    if status != CampaignStatus.OPEN:
        return "The campaign is closed. The draw is revealed, and anyone can check it.", ""
    return _next_of_waves(standing) or _next_of_files(standing)


def _next_of_files(standing: Standing) -> tuple[str, str]:
    newest, campaign = standing.newest, standing.campaign
    if not standing.imports:
        return "Upload the registrations.", ""
    if newest is None:
        return "Upload a score file.", ""
    if newest.state in (ScoreFileState.UPLOADED, ScoreFileState.PROCESSING):
        return f"{newest.name} is being processed.", ""
    if newest.state == ScoreFileState.VALIDATED and not campaign.draw_ready:
        return f"Enter the value of “{campaign.entropy_source}”. The draw needs it.", "warn"
    if standing.active is None and newest.state == ScoreFileState.FAILED:
        return f"{newest.name} failed. Fix the error shown on its page and upload it again.", "bad"
    if standing.active is None:
        return "Choose the active score file.", "warn"
    if not standing.waves:
        return "Prepare the first wave.", ""
    return (
        "All waves are finished. Prepare another wave, or close the campaign to reveal the draw."
    ), ""


WAVE_NEXT = {
    WaveState.HELD: (
        "Wave {} is held. Send it now, give it a new notify date, or cancel it.",
        "bad",
    ),
    WaveState.FAILED: ("Wave {} failed. Fix the error shown on its page and try again.", "bad"),
    WaveState.PAUSED: ("Wave {} is paused during sending.", "warn"),
    WaveState.TRIGGERED: ("Wave {} is being sent.", ""),
    WaveState.PREPARED: ("Wave {} is waiting for a second person's approval.", "warn"),
    WaveState.APPROVED: ("Wave {} is approved. Schedule it.", "warn"),
    WaveState.CONFIGURED: ("Wave {} is not prepared yet.", ""),
    WaveState.CODE_GENERATED: ("Wave {} is not prepared yet.", ""),
    WaveState.SCHEDULED: ("Wave {} is scheduled. It is sent automatically at its notify date.", ""),
}


def _next_of_waves(standing: Standing) -> tuple[str, str] | None:
    """The sentence for the most urgent wave, in the order of the table above."""
    by_state = {wave.state: wave for wave in reversed(standing.waves)}
    for state, (sentence, tone) in WAVE_NEXT.items():
        if state in by_state:
            return sentence.format(by_state[WaveState(state)].name), tone
    return None
