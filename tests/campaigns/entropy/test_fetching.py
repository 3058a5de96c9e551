"""The value of a drand round is fetched and entered, by a person or by itself when it is due.
[S-8]
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from campaigns import tasks
from campaigns.entropy import beacons, entry, fetching, mirrors
from campaigns.entropy.fetching import fetch_entropy
from campaigns.errors import (
    BadPublicValue,
    CannotFetch,
    DrawIsLocked,
    SourceOutOfReach,
    TooEarly,
)
from campaigns.models import Campaign
from operations.choices import JobState
from operations.database.statements import run
from operations.models import Job, StatusChange
from sandbox.drand import ROUNDS
from tests.campaigns.entropy.sources import LOTTERY, waiting
from tests.support.campaigns import make_campaign, process_scores
from tests.support.people import staff

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = 72_785
VALUE = ROUNDS[NUMBER]["randomness"]


@pytest.fixture
def asked(monkeypatch):
    """The rounds that were asked for; a mirror gives each of them as if it were the recorded."""
    numbers: list[int] = []

    def fetch(urls, number, **_):
        numbers.append(number)
        found = beacons.Beacon(number, VALUE, b"", b"")
        return mirrors.Fetched(found, urls[0])

    monkeypatch.setattr(mirrors, "fetch", fetch)
    return numbers


def rehearsal() -> Campaign:
    return make_campaign(entropy_source=f"drand round {NUMBER}")


def due_now() -> Campaign:
    """Its round was published a second ago; it was opened before that."""
    campaign = waiting()
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")  # no trigger locks the source
        Campaign.objects.filter(pk=campaign.pk).update(
            opened_at=Now() - timedelta(days=2), entropy_public_at=Now() - timedelta(seconds=1)
        )
    campaign.refresh_from_db()
    return campaign


def test_the_fetched_value_is_entered_and_the_history_says_where_it_came_from(asked, settings):
    settings.DRAND_URLS = ["http://drand.example"]
    campaign, ann = rehearsal(), staff("ann")
    assert fetch_entropy(campaign.pk, by=ann).entropy_value == VALUE
    assert asked == [NUMBER]
    kept = StatusChange.objects.get(to_state=entry.ENTERED)
    assert kept.by == ann
    assert "fetched from http://drand.example, signature checked" in kept.reason
    with pytest.raises(DrawIsLocked, match="already entered"):
        fetch_entropy(campaign.pk, by=ann)
    assert asked == [NUMBER]


def test_nothing_is_asked_for_a_source_that_is_no_round_or_is_still_to_come(asked):
    for campaign, refusal in (
        (waiting(**LOTTERY), TooEarly),
        (waiting(), TooEarly),
        (make_campaign(entropy_source="dice"), CannotFetch),
        (make_campaign(), DrawIsLocked),
    ):
        with pytest.raises(refusal):
            fetch_entropy(campaign.pk, by=None)
        with pytest.raises(refusal):
            tasks.start_fetch(campaign, by=None)
    assert (asked, Job.objects.count()) == ([], 0)


def test_s8_a_round_that_is_entered_by_hand_is_compared_with_what_a_mirror_gives(asked, settings):
    settings.DRAND_URLS = ["http://drand.example"]
    campaign = due_now()
    with pytest.raises(BadPublicValue, match=f"not the randomness of drand round .* says {VALUE}"):
        fetching.enter_by_hand(campaign.pk, "0f" * 32, by=None)
    campaign.refresh_from_db()
    assert campaign.entropy_value == ""
    assert fetching.enter_by_hand(campaign.pk, f" {VALUE} ", by=None).entropy_value == VALUE
    said = StatusChange.objects.get(to_state=entry.ENTERED).reason
    assert "entered by hand, compared with http://drand.example, signature checked" in said


def test_s8_a_value_that_no_mirror_can_confirm_is_entered_and_said_not_to_be_compared(settings):
    settings.DRAND_URLS = []
    fetching.enter_by_hand(due_now().pk, "0f" * 32, by=None)
    said = StatusChange.objects.get(to_state=entry.ENTERED).reason
    assert "entered by hand, not compared: no mirror of drand gave the round" in said


def test_s8_of_a_rehearsal_any_value_is_entered_and_nothing_asked(asked):
    fetching.enter_by_hand(rehearsal().pk, "by hand", by=None)
    assert asked == []


def test_a_round_that_is_out_is_fetched_once_by_itself_and_what_waited_is_drawn(asked):
    due, _, _ = due_now(), waiting(), rehearsal()
    waits = process_scores(due)
    tasks.look_for_due_rounds()
    tasks.look_for_due_rounds()
    job = Job.objects.get(kind=fetching.JOB_KIND)
    assert job.subject_id == due.campaign_id
    tasks.run_fetch(job.pk)
    due.refresh_from_db()
    assert (due.entropy_value, asked) == (VALUE, [99_551_234])
    started = Job.objects.filter(kind="process_scores", state=JobState.QUEUED)
    assert [each.subject_id for each in started] == [str(waits.pk)]
    tasks.look_for_due_rounds()
    assert Job.objects.filter(kind=fetching.JOB_KIND).count() == 1


def test_a_mirror_that_is_away_is_tried_again_and_a_value_entered_meanwhile_is_kept(settings):
    settings.DRAND_URLS = ["http://127.0.0.1:9"]
    campaign = rehearsal()
    job = tasks.start_fetch(campaign, by=None)
    with pytest.raises(SourceOutOfReach, match=r"127\.0\.0\.1:9: "):
        tasks.run_fetch(job.pk)
    job.refresh_from_db()
    assert (job.state, job.retry_at is not None) == (JobState.FAILED, True)
    entry.enter_entropy(campaign.pk, "by hand", by=None)
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, retry_at=None)
    assert fetching.run(job.pk).entropy_value == "by hand"


def test_a_value_entered_by_hand_while_the_mirrors_are_asked_ends_the_job_well(monkeypatch):
    """Whatever the mirrors give then."""
    for given in (VALUE, None):
        campaign = rehearsal()
        job = tasks.start_fetch(campaign, by=None)

        def fetch(urls, number, campaign=campaign, given=given):
            entry.enter_entropy(campaign.pk, "by hand", by=None)
            if given is None:
                raise SourceOutOfReach("No mirror gave it.")
            return mirrors.Fetched(beacons.Beacon(number, given, b"", b""), "a mirror")

        monkeypatch.setattr(mirrors, "fetch", fetch)
        tasks.run_fetch(job.pk)
        job.refresh_from_db()
        campaign.refresh_from_db()
        assert (job.state, campaign.entropy_value) == (JobState.DONE, "by hand")
