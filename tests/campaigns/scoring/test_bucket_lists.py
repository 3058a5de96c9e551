"""A list file of the bucket that comes after luck could be known counts for a campaign only once a
person takes it in. [S-4, S-8]
"""

from __future__ import annotations

import hashlib

import pytest

from campaigns.choices import CampaignStatus
from campaigns.errors import CannotTakeIn, LateRefused, WrongStatus
from campaigns.intake import arrivals
from campaigns.late_changes import public_lateness
from campaigns.models import Campaign, KeptList, LateChange
from campaigns.scoring import bucket_lists, rules
from operations.models import Alert
from tests.campaigns.intake.dropped_files import drop
from tests.support.campaigns import (
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)
from tests.support.people import client_of, keeper, member_of, staff

pytestmark = pytest.mark.django_db(transaction=True)

FANS = ("a@x.example", "b@x.example", "c@y.example")
FIRST, SECOND = b"@z.example\n", b"@x.example # rivals\n"


def drawn() -> Campaign:
    """A campaign whose active file was judged by the first version of the blacklist."""
    drop(rules.BLACKLIST_KEY, FIRST, seconds_ago=90)
    campaign = make_campaign()
    rows = [score_row(number, tmemail=email) for number, email in enumerate(FANS)]
    process_scores(campaign, score_file_bytes(rows))
    return Campaign.objects.get(pk=campaign.pk)


def arrives(content: bytes, seconds_ago: int = 60) -> None:
    drop(rules.BLACKLIST_KEY, content, seconds_ago=seconds_ago)
    for job in arrivals.look():
        arrivals.take(job.pk)


def blocked(campaign: Campaign) -> set[str]:
    return set(rules.gather(campaign).email_rules.domains)


def test_a_late_version_counts_for_no_campaign_whose_luck_could_be_known_and_for_every_other():
    late, early = drawn(), make_campaign()
    arrives(SECOND)
    assert blocked(late) == {"z.example"}
    assert blocked(early) == {"x.example"}
    (alert,) = Alert.objects.filter(text__contains="blacklist in the scoring bucket changed")
    assert late.campaign_id in alert.text
    assert bucket_lists.waiting(late) == ["Blacklist"]
    assert bucket_lists.waiting(early) == []


def test_a_version_that_goes_back_to_the_one_of_before_waits_no_longer():
    campaign = drawn()
    arrives(SECOND)
    arrives(FIRST, seconds_ago=40)
    assert bucket_lists.waiting(campaign) == []


def test_a_removed_list_file_still_counts_for_a_campaign_whose_luck_could_be_known(bucket_folders):
    campaign = drawn()
    (bucket_folders / "scoring" / rules.BLACKLIST_KEY).unlink()
    assert blocked(campaign) == {"z.example"}


def test_a_person_takes_a_late_version_in_and_whom_it_turned_in_or_out_is_public():
    campaign = drawn()
    arrives(SECOND)
    for by, reason in ((staff("ann"), "spam"), (keeper(), " "), (None, "spam")):
        with pytest.raises(LateRefused):
            bucket_lists.take_in(campaign.pk, by=by, reason=reason)
    assert blocked(campaign) == {"z.example"}
    assert bucket_lists.take_in(campaign.pk, by=keeper(), reason="spam") == 2
    assert blocked(campaign) == {"x.example"}
    assert bucket_lists.waiting(campaign) == []
    (late,) = public_lateness(campaign)["late"]
    sha256 = hashlib.sha256(SECOND).hexdigest()
    assert (late["kind"], late["reason"], late["moved"]) == ("lists", "spam", 2)
    assert late["subject"] == f"Blacklist of the bucket, SHA-256 {sha256}"
    with pytest.raises(CannotTakeIn):
        bucket_lists.take_in(campaign.pk, by=keeper(), reason="again")


def test_the_version_of_a_file_that_was_received_in_time_counts_though_it_is_judged_late():
    drop(rules.BLACKLIST_KEY, FIRST, seconds_ago=90)
    campaign = make_campaign()
    receive_scores(campaign, score_file_bytes([score_row(1)]))
    assert bytes(KeptList.objects.get(campaign=campaign, kind="blacklist").content) == FIRST
    arrives(SECOND)
    assert bytes(KeptList.objects.get(campaign=campaign, kind="blacklist").content) == SECOND
    assert not Alert.objects.exists()


def test_a_closed_campaign_takes_no_list_in():
    campaign = drawn()
    arrives(SECOND)
    Campaign.objects.filter(pk=campaign.pk).update(status=CampaignStatus.CLOSED)
    with pytest.raises(WrongStatus):
        bucket_lists.take_in(campaign.pk, by=keeper(), reason="spam")


def test_the_campaigns_page_offers_it_to_who_may():
    campaign = drawn()
    arrives(SECOND)
    page = f"/admin/campaign/{campaign.campaign_id}/"
    operator, both = client_of(member_of("operator")), client_of(member_of("operator", "approver"))
    assert "keeps the version from before" in operator.get(page).text
    assert "Take in the new version" not in operator.get(page).text
    assert operator.post(f"{page}lists/late/", {"reason": "spam"}).status_code == 403
    assert "Take in the new version" in both.get(page).text
    both.post(f"{page}lists/late/", {"reason": "spam"})
    assert LateChange.objects.get().moved == 2
    assert "keeps the version from before" not in both.get(page).text
