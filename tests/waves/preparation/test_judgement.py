"""A preview refuses what the preparation would refuse, in the same sentence. [W-7]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command

from campaigns.models import Campaign, Market, Registrant
from operations.errors import Refusal
from tests.support.waves import KEY, NOTIFY, NOW, campaign_with, person, request
from waves.errors import BadNotifyDate
from waves.models import Template, Wave
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview

pytestmark = pytest.mark.django_db


def _tm_with_a_code(campaign):
    Campaign.objects.filter(pk=campaign.pk).update(code_source="tm")
    Template.objects.create(campaign=campaign, channel="sms", body="Your code: {code}")


def _twice_failed(campaign):
    Wave.objects.create(
        campaign=campaign,
        date_key=KEY,
        name=f"{campaign.campaign_id}_{KEY}",
        notify_date=NOTIFY,
        state="failed",
        error="the bucket was away",
        attempts=2,
    )


def _given_more_than_there_are(campaign):
    prepare(request(campaign, "20260120", notify_date=NOTIFY), by=person("eve"), now=NOW)
    Market.objects.filter(campaign=campaign, market_id="west").update(capacity=3)
    Market.objects.filter(campaign=campaign, market_id="east").update(capacity=9)


CASES = {
    "closed": lambda c: Campaign.objects.filter(pk=c.pk).update(status="closed"),
    "no active file": lambda c: Campaign.objects.filter(pk=c.pk).update(active_score_file=None),
    "selection time to come": lambda c: Market.objects.filter(campaign=c).update(
        selection_time=NOW + timedelta(minutes=1)
    ),
    "prepared already": lambda c: prepare(request(c), by=person("eve"), now=NOW),
    "failed twice": _twice_failed,
    "code named for TM": _tm_with_a_code,
    "capacity below given": _given_more_than_there_are,
    "partner's codes": lambda c: Campaign.objects.filter(pk=c.pk).update(code_source="partner"),
    "no members": lambda c: Registrant.objects.filter(campaign=c).delete(),
}


@pytest.mark.parametrize("prepare_case", CASES.values(), ids=CASES)
def test_w7_what_the_preparation_refuses_the_preview_refuses_in_the_same_words(ann, prepare_case):
    campaign = campaign_with(12)
    prepare_case(campaign)
    try:
        seen = str(preview(request(campaign), now=NOW).refusal or "")
    except Refusal as refusal:
        seen = str(refusal)
    assert seen
    with pytest.raises(Refusal) as refused:
        prepare(request(campaign), by=ann, now=NOW)
    assert str(refused.value) == seen


def warnings(campaign, **asked):
    return [str(warning) for warning in preview(request(campaign), **asked).warnings]


def test_w4_a_preview_warns_of_short_notice_in_the_words_of_the_refusal(ann, root):
    campaign, late = campaign_with(5), NOTIFY - timedelta(hours=23)
    with pytest.raises(Refusal) as refused:
        prepare(request(campaign), by=ann, now=late)
    assert warnings(campaign, now=late, by=ann) == [str(refused.value)]
    assert "permission" in warnings(campaign, now=late, by=ann, expedite="rain")[0]
    assert warnings(campaign, now=late, by=root, expedite="rain") == []
    assert warnings(campaign, now=NOTIFY - timedelta(days=1)) == []


def test_w4_no_reason_helps_where_the_notify_date_has_passed(root):
    """But who enters this minute may take a few to preview and prepare."""
    campaign, haste = campaign_with(5), {"by": root, "now": NOW, "expedite": "rain"}
    passed = request(campaign, notify_date=NOW - timedelta(minutes=16))
    for refuse in (preview, prepare):
        with pytest.raises(BadNotifyDate, match="has passed"):
            refuse(passed, **haste)
    assert not Wave.objects.exists()
    prepare(request(campaign, notify_date=NOW - timedelta(minutes=15)), **haste)


def test_w7_the_command_refuses_too_and_names_why_nobody_is_selected(capsys):
    campaign = campaign_with(3)
    Registrant.objects.filter(campaign=campaign).delete()
    with pytest.raises(SystemExit):
        call_command("preview_wave", campaign.campaign_id, KEY, notify_date="2030-01-21T18:00:00Z")
    said = capsys.readouterr().err
    assert "No fan would be selected" in said
    assert "Not registered: 3" in said
