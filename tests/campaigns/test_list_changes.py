"""What is written down of a campaign's lists. [S-4, S-16]"""

from __future__ import annotations

import pytest

from campaigns import list_changes
from campaigns.models import Campaign
from operations.models import StatusChange
from tests.support.campaigns import make_campaign

pytestmark = pytest.mark.django_db


def test_s16_a_change_of_an_open_campaigns_list_says_which_list_and_how_many_entries():
    list_changes.record(make_campaign(), "disposable", list_changes.DELETED, 1_200, by=None)
    assert list_changes.sentence_of(StatusChange.objects.latest("id")) == (
        "Disposable: 1,200 entries deleted"
    )


def test_no_entry_and_lists_of_drafts_and_of_all_campaigns_are_no_history():
    draft = Campaign.objects.create(campaign_id="drafted", name="Autumn Tour")
    list_changes.record(make_campaign(), "blacklist", list_changes.ADDED, 0, by=None)
    before = StatusChange.objects.count()
    for campaign in (draft, None):
        list_changes.record(campaign, "blacklist", list_changes.ADDED, by=None)
    assert StatusChange.objects.count() == before
    opened = StatusChange.objects.latest("id")
    assert list_changes.sentence_of(opened) is None
