"""A presale that was sent, closed and proved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
from django.db.models import F
from django.utils import timezone

from campaigns import late_changes, rule_changes
from campaigns.choices import LateKind
from campaigns.draw import Draw, draw_frame
from campaigns.models import Campaign, FanScore, Registrant, ScoreFile
from campaigns.opening import close_campaign
from campaigns.scoring import activation
from console.proof import verify_draw
from tests.support.campaigns import roster_digest
from tests.support.waves import (
    NOW,
    SALT,
    SEED,
    add_scores,
    campaign_with,
    person,
    request,
    sent_out,
)
from waves.holds import seats_given
from waves.models import Wave
from waves.preparation.prepare import prepare
from waves.selection.request import WaveRequest

FANS = 90
SEATS = {"west": 6, "east": 4}  # of each wave


PREFERENCES = (
    [],
    ["west"],
    ["east", "west"],
    ["west", "east"],
    ["elsewhere"],
    ["elsewhere", "east"],
)


def presale(**options: Any) -> Campaign:
    """An open campaign whose score file has its public digests; nobody of the last five is
    registered.
    """
    preferences = [PREFERENCES[number % len(PREFERENCES)] for number in range(FANS)]
    campaign = campaign_with(FANS, SEATS, preferences=preferences, min_score=0.35, **options)
    Registrant.objects.filter(campaign=campaign, global_user_id__gte=f"fan-{FANS - 5:06d}").delete()
    Campaign.objects.filter(pk=campaign.pk).update(opened_at=NOW - timedelta(days=30))
    publish_digests(campaign.active_score_file)
    return campaign


def publish_digests(file: ScoreFile | None) -> None:
    """What processing a score file writes beside its rows."""
    assert file is not None
    rows = list(
        FanScore.objects.filter(score_file=file).values_list(
            "global_user_id", "raw_text", "raw_score", "preferences"
        )
    )
    drawn = draw_frame(
        pl.DataFrame(
            {"global_user_id": [row[0] for row in rows], "raw_score": [row[2] for row in rows]}
        ),
        Draw(file.campaign.campaign_id, SEED, SALT),
    )
    file.roster_size = len(rows)
    file.roster_digest = roster_digest(
        (ref, row[1], row[3]) for ref, row in zip(drawn["fan_ref"], rows, strict=True)
    )
    file.roster_size = drawn.height
    bands = dict(drawn["band"].value_counts().iter_rows())
    file.bands = {name: bands.get(name, 0) for name in ("high", "mid", "low")}
    file.rules_digest = "ab" * 32
    file.min_score = 0.22
    file.save()


def add_late_scores(campaign: Campaign, ids: list[str], raw_scores: list[float]) -> ScoreFile:
    """A score file that came late and was made active, as people with the rights for it do."""
    boss = person("boss", superuser=True)
    before = campaign.active_score_file
    file = add_scores(campaign, ids, raw_scores)
    publish_digests(file)
    Campaign.objects.filter(pk=campaign.pk).update(active_score_file=before)
    why = "the first was incomplete"
    subject = f"attempt {file.attempt}"
    late_changes.record(campaign, LateKind.SCORE_FILE, subject, by=boss, reason=why, moved=1)
    activation.activate(file.pk, by=boss, reason=why)
    activation.undo(campaign.pk, by=boss, reason=why)
    activation.activate(file.pk, by=boss, reason=why)
    campaign.refresh_from_db()
    return file


def sent(campaign: Campaign, date_key: str, **values: Any) -> Wave:
    """A wave prepared as operators do it, with as many seats as the first one had, and then said to
    be completed.
    """
    given, before = seats_given(campaign.pk), rule_changes.options_of(campaign.pk)
    for market in campaign.markets.all():
        market.capacity = SEATS[market.market_id] + given.get(market.pk, 0)
        market.save(update_fields=["capacity"])
    rule_changes.record(campaign, before, by=None, reason="a larger hall")
    asked = request(campaign, date_key, **values)
    prepare(asked, by=person("pat", superuser=True), now=NOW, reason="a test")
    Wave.objects.filter(name=asked.name).update(state="completed", triggered_at=timezone.now())
    return Wave.objects.get(name=asked.name)


def really_sent(campaign: Campaign, date_key: str, **values: Any) -> Wave:
    """A wave that was prepared, approved and sent, with the seats that the campaign has."""
    return prepare_and_send(request(campaign, date_key, **values))


def prepare_and_send(asked: WaveRequest) -> Wave:
    """A wave that was prepared, approved and sent."""
    wave = prepare(asked, by=person("pat", superuser=True), now=NOW, reason="a test").wave
    sent_out(wave)
    Wave.objects.filter(pk=wave.pk).update(triggered_at=timezone.now())
    return Wave.objects.get(pk=wave.pk)


def more_seats(campaign: Campaign, number: int) -> None:
    """Each market gets so many more seats, as operators give them."""
    before = rule_changes.options_of(campaign.pk)
    campaign.markets.update(capacity=F("capacity") + number)
    rule_changes.record(campaign, before, by=None, reason="a larger hall")


def close(campaign: Campaign) -> Campaign:
    return close_campaign(campaign.pk, by=None)


def verify(made: dict[str, Any], *arguments: str) -> dict[str, Any]:
    options = verify_draw.options_of([made["bundle"], *arguments])
    return verify_draw.check(made["bundle"], options).as_json()
