"""The progress of a campaign, and what comes next. Its scores are those of the active file,
whatever else was uploaded or is processed. [S-13]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from campaigns.choices import CampaignStatus, ScoreFileState
from campaigns.models import Campaign, Market, Registrant, RegistrationImport, ScoreFile
from console import slow_counts
from console.wave_progress import notified
from operations.plurals import plural
from waves.choices import WaveState
from waves.models import Wave

OVER = {WaveState.COMPLETED, WaveState.CANCELLED}
UNDER_WAY = {WaveState.TRIGGERED, WaveState.PAUSED}


@dataclass(frozen=True)
class Standing:
    """What is known of a campaign: its registrants and the files they came in, its active score
    file and its newest one, its waves that are not over.
    """

    campaign: Campaign
    markets: int
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
    """The progress of these campaigns, in as many queries however many they are."""
    return [_progress(standing) for standing in _gather(list(campaigns))]


def _gather(campaigns: list[Campaign]) -> list[Standing]:
    keys = [campaign.pk for campaign in campaigns]
    imports = _count_by_campaign(RegistrationImport.objects.filter(finished=True), keys)
    markets = _count_by_campaign(Market.objects.all(), keys)
    registered = slow_counts.kept(
        "registered:" + ",".join(map(str, sorted(keys))),
        lambda: _count_by_campaign(Registrant.objects.all(), keys),
    )
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
    reached = notified(keys)
    return [
        Standing(
            campaign,
            markets=markets.get(campaign.pk, 0),
            registered=registered.get(campaign.pk, 0),
            imports=imports.get(campaign.pk, 0),
            newest=newest.get(campaign.pk),
            active=active.get(campaign.active_score_file_id),
            waves=waves[campaign.pk],
            notified=reached.get(campaign.pk, 0),
        )
        for campaign in campaigns
    ]


def _count_by_campaign(rows: QuerySet[Any], campaigns: list[int]) -> dict[int, int]:
    counted = rows.filter(campaign__in=campaigns).order_by().values_list("campaign")
    return dict(counted.annotate(Count("pk")))


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
    count = standing.registered
    files = f"fans, from {plural(standing.imports, 'file')}"
    note = files if standing.imports else "fans" if count else "none uploaded yet"
    return Step("Registrations", f"{count:,}", note, "done" if count else "")


def _scored(standing: Standing) -> Step:
    """The figures of the active file; without one, where the newest file is."""
    active, newest = standing.active, standing.newest
    if active is not None:
        note = f"accepted of {active.rows_in:,} in {active.name}"
        return Step("Scores", f"{active.accepted:,}", note, "done")
    if newest is None:
        return Step("Scores", "–", "no score file yet", "")
    mark = "trouble" if newest.state == ScoreFileState.FAILED else "now"
    return Step("Scores", newest.state, newest.name, mark)


def _active(standing: Standing) -> Step:
    """Which file counts, and what there is of a newer one."""
    active, newest = standing.active, standing.newest
    if active is None:
        return Step("Active file", "–", "none", "")
    note = active.name
    if newest is not None and newest.attempt > active.attempt:
        state = "not active" if newest.is_drawn else newest.state
        note += f"; attempt {newest.attempt}: {state}"
    return Step("Active file", f"attempt {active.attempt}", note, "done")


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
    if status == CampaignStatus.DRAFT and not standing.markets:
        return "Edit the campaign to add its markets. It cannot be opened without one.", "warn"
    if status == CampaignStatus.DRAFT:
        return (
            (
                "Check that all markets are entered. Then open the campaign, which locks the"
                " draw and publishes its commitment."
            ),
            "",
        )
    if status == CampaignStatus.ARCHIVED:
        return (
            "The campaign is archived. Its rows are deleted by age; files, counts and the proof"
            " are kept."
        ), ""
    if status != CampaignStatus.OPEN:
        return "The campaign is closed. The draw is revealed, and anyone can check it.", ""
    return _next_of_waves(standing) or _next_of_files(standing)


def _next_of_files(standing: Standing) -> tuple[str, str]:
    newest, campaign = standing.newest, standing.campaign
    if not standing.registered:
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
