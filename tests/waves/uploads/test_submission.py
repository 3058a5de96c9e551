"""What can be refused at once is refused before anything is written. [W-1, W-3, W-4]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group

from campaigns.errors import UnknownCampaign, WrongStatus
from campaigns.models import Campaign
from datalake.storage import buckets
from operations.database.locks import exclusive
from operations.models import Job
from tests.support.people import member_of
from tests.support.processes import Process
from tests.support.waves import KEY, NOTIFY, NOW, campaign_with, person, request
from tests.waves.uploads.lists import row, submitted, uploaded
from waves.errors import (
    AlreadyRunning,
    AttemptsExhausted,
    BadDateKey,
    BadWaveConfig,
    BadWaveList,
    NotPermitted,
    ReasonMissing,
    TooLate,
    WrongState,
)
from waves.models import Wave, WaveUpload
from waves.preparation.prepare import prepare
from waves.uploads.submission import role_of, submit

pytestmark = pytest.mark.django_db


def refused(error, campaign, *, match=None, now=NOW, by=None, **options):
    with pytest.raises(error, match=match):
        submit(submitted(campaign, [row(0)], **options), by=by, now=now)
    assert not Job.objects.exists()
    assert not Wave.objects.exists()


def test_w3_what_cannot_be_a_wave_writes_nothing(ann):
    campaign = campaign_with(3)
    refused(BadDateKey, campaign, key="2026-01-21")
    refused(UnknownCampaign, campaign, campaignId="nothing")
    refused(BadWaveConfig, campaign, match="has passed", now=NOTIFY)
    refused(BadWaveConfig, campaign, match="endDate", endDate="2026-06-01T00:00:00Z")
    refused(BadWaveList, campaign, match="missing the column", columns=("globalUserId",))
    with pytest.raises(BadWaveList, match="has no rows behind its header"):
        submit(submitted(campaign, []), by=None, now=NOW)
    assert not Wave.objects.exists()
    Campaign.objects.filter(pk=campaign.pk).update(status="closed")
    refused(WrongStatus, campaign)


def test_w4_short_notice_needs_a_reason_and_the_right(ann):
    campaign, late = campaign_with(3), NOTIFY - timedelta(hours=2)
    refused(TooLate, campaign, now=late)
    refused(NotPermitted, campaign, now=late, by=member_of("operator"))
    submit(
        submitted(campaign, [row(0)], expedite="the artist asked"),
        by=person("boss", superuser=True),
        now=late,
    )
    assert Wave.objects.get().expedited == "the artist asked"


def test_s8_once_luck_can_be_known_a_list_needs_a_reason(ann):
    campaign = campaign_with(3)
    refused(ReasonMissing, campaign, match="why these fans are not drawn", reason="  ", by=ann)
    refused(ReasonMissing, campaign, reason="", options={"reason": 7})
    submit(submitted(campaign, [row(0)], reason="", options={"reason": "guests"}), by=ann, now=NOW)
    assert WaveUpload.objects.get().reason == "guests"
    Wave.objects.all().delete()
    Job.objects.all().delete()
    Campaign.objects.update(first_drawn_at=None, named_score_file=None, active_score_file=None)
    submit(submitted(campaign, [row(0)], reason=""), by=ann, now=NOW)


def test_w2_a_wave_that_was_drawn_or_is_prepared_is_not_uploaded_over(ann):
    campaign = campaign_with(8, {"west": 3}, raw_scores=[0.3] + [0.96] * 7)
    prepare(request(campaign, "20260122"), by=ann, now=NOW)
    with pytest.raises(WrongState, match=r"not an uploaded one\. Choose another date key"):
        submit(submitted(campaign, [row(0)], key="20260122"), by=ann, now=NOW)
    campaign.markets.update(capacity=8)
    uploaded(campaign, [row(0)], by=ann)
    with pytest.raises(WrongState, match="Reset it first"):
        submit(submitted(campaign, [row(0)]), by=ann, now=NOW)
    with pytest.raises(WrongState, match="is an uploaded list"):
        prepare(request(campaign), by=ann, now=NOW)


def test_w9_a_third_attempt_needs_a_reset(ann):
    campaign = campaign_with(3)
    submit(submitted(campaign, [row(0)]), by=ann, now=NOW)
    Wave.objects.update(attempts=2)
    with pytest.raises(AttemptsExhausted):
        submit(submitted(campaign, [row(0)]), by=ann, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_k7_of_two_uploads_of_one_wave_at_once_the_second_is_refused(ann):
    campaign = campaign_with(3)
    name = submitted(campaign, [row(0)]).name
    with exclusive(f"wave {name}"):
        other = Process(_submit, campaign.campaign_id)
        assert other.wait() == 0, other.errors
    assert other.last_line() == {"refused": "AlreadyRunning"}


def _submit(campaign_id: str):
    campaign = Campaign.objects.get(campaign_id=campaign_id)
    try:
        submit(submitted(campaign, [row(0)]), by=None, now=NOW)
    except AlreadyRunning:
        return {"refused": "AlreadyRunning"}
    return {"refused": ""}


def test_s10_the_role_of_the_uploader_is_kept_and_who_it_is_not_named(ann):
    assert role_of(None) == "another service"
    assert role_of(member_of("operator")) == "operator"
    assert role_of(person("root", superuser=True)) == "administrator"


def test_s10_of_a_role_with_a_long_name_the_beginning_is_kept(ann):
    ann.groups.add(Group.objects.create(name="g" * 100))
    submit(submitted(campaign_with(3), [row(0)]), by=ann, now=NOW)
    assert WaveUpload.objects.get().by_role == "g" * 80


def test_w3_a_list_that_was_submitted_again_replaces_the_one_before(ann):
    campaign = campaign_with(3)
    first = submit(submitted(campaign, [row(0)]), by=ann, now=NOW)
    second = submit(submitted(campaign, [row(1)], reason="corrected"), by=ann, now=NOW)
    assert first == second
    about = WaveUpload.objects.get()
    assert (about.wave.name, about.reason) == (f"{campaign.campaign_id}_{KEY}", "corrected")


def test_x11_a_list_that_another_replaces_is_deleted(ann):
    campaign = campaign_with(3)
    for number in (1, 1, 2):
        job = submit(submitted(campaign, [row(number)]), by=ann, now=NOW)
        Job.objects.filter(pk=job.pk).update(state="cancelled")
    assert list(buckets.scoring().list("smsWaves/uploads/")) == [WaveUpload.objects.get().key]
