"""What is written down of a campaign's lists. [S-4, S-16]"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from campaigns import list_changes, loading
from campaigns.errors import LateRefused
from campaigns.models import Campaign, LateChange, ListEntry
from operations.models import StatusChange
from tests.support.campaigns import make_campaign, process_scores, score_file_bytes, score_row
from tests.support.people import client_of, keeper, member_of, staff

pytestmark = pytest.mark.django_db(transaction=True)


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


def drawn(*emails: str) -> Campaign:
    """A campaign whose active file has fans with these addresses."""
    campaign = make_campaign()
    rows = [score_row(number, tmemail=email) for number, email in enumerate(emails)]
    process_scores(campaign, score_file_bytes(rows))
    return Campaign.objects.get(pk=campaign.pk)


def change(of: list[Campaign | None], added: list[ListEntry], **who: Any) -> None:
    with transaction.atomic(), list_changes.late_lists(of, **who):
        ListEntry.objects.bulk_create(added)


def test_s8_a_late_entry_needs_a_right_and_a_reason_and_says_whom_it_turned_in_or_out():
    campaign = drawn("a@x.example", "b@x.example", "c@y.example")
    entry = ListEntry(campaign=campaign, kind="blacklist", pattern="@x.example")
    for who in ({"by": staff("ann"), "reason": "spam"}, {"by": keeper(), "reason": " "}):
        with pytest.raises(LateRefused):
            change([campaign], [entry], **who)
    assert not ListEntry.objects.exists()
    change([campaign], [entry], by=keeper(), reason="spam")
    allowed = ListEntry(campaign=campaign, kind="whitelist", pattern="a@x.example")
    change([campaign], [allowed], by=keeper(), reason="a mistake")
    with transaction.atomic(), list_changes.late_lists([campaign], by=keeper(), reason="again"):
        ListEntry.objects.filter(kind="blacklist").delete()
    found = LateChange.objects.filter(campaign=campaign)
    assert list(found.values_list("subject", "moved")) == [
        ("Blacklist: 1 entry added", 2),
        ("Whitelist: 1 entry added", 1),
        ("Blacklist: 1 entry deleted", 1),
    ]


def test_s8_an_entry_of_all_campaigns_is_late_in_each_whose_luck_can_be_known():
    first, second, third = drawn("a@x.example"), drawn("b@y.example"), make_campaign()
    entry = ListEntry(kind="blacklist", pattern="@x.example")
    change([None], [entry], by=keeper(), reason="spam")
    assert [
        list(LateChange.objects.filter(campaign=each).values_list("moved", flat=True))
        for each in (first, second, third)
    ] == [[1], [0], []]


def test_s8_before_luck_can_be_known_and_where_nothing_changes_nobody_is_asked():
    early, late = make_campaign(), drawn("a@x.example")
    change(
        [early],
        [ListEntry(campaign=early, kind="blacklist", pattern="@x.example")],
        by=None,
        reason="",
    )
    change([late], [], by=None, reason="")
    assert not LateChange.objects.exists()


def test_s8_the_site_asks_for_the_reason_of_a_late_entry_and_of_its_deletion():
    campaign = drawn("a@x.example")
    values = {"campaign": campaign.pk, "kind": "blacklist", "pattern": "@x.example", "note": ""}
    operator, approver = (client_of(member_of(role)) for role in ("operator", "approver"))
    add = "/admin/campaigns/listentry/add/"
    assert "does not have it" in operator.post(add, values | {"reason": "spam"}).text
    assert "Enter the reason" in approver.post(add, values).text
    assert approver.post(add, values | {"reason": "spam"}).status_code == 302
    delete = f"/admin/campaigns/listentry/{ListEntry.objects.get().pk}/delete/"
    assert "Required after luck could be known" in approver.get(delete).text
    assert "Enter the reason" in approver.post(delete, {"post": "yes"}, follow=True).text
    approver.post(delete, {"post": "yes", "reason": "a mistake"})
    found = LateChange.objects.values_list("subject", "reason", "moved")
    assert list(found) == [
        ("Blacklist: 1 entry added", "spam", 1),
        ("Blacklist: 1 entry deleted", "a mistake", 1),
    ]


def test_s8_the_right_to_change_lists_late_is_none_before_and_none_for_all_campaigns():
    approver, early = client_of(member_of("approver")), make_campaign("early")
    drawn("a@x.example")
    add = "/admin/campaigns/listentry/add/"
    for of in (early.pk, ""):
        values = {"campaign": of, "kind": "blacklist", "pattern": "@x.example", "reason": "spam"}
        assert "is not late" in approver.post(add, values).text
    entry = ListEntry.objects.create(campaign=early, kind="blacklist", pattern="@y.example")
    for act in ("change", "delete"):
        page = f"/admin/campaigns/listentry/{entry.pk}/{act}/"
        assert approver.post(page, {"post": "yes", "reason": "spam"}).status_code == 403
    assert ListEntry.objects.get() == entry


def test_s8_a_campaign_file_changes_lists_late_for_its_reason():
    campaign = drawn("a@x.example")
    document = {"campaign_id": campaign.campaign_id, "name": campaign.name}
    document |= {"blacklist": ["@x.example"]}
    with pytest.raises(LateRefused):
        loading.load(document, by=keeper())
    loading.load(document, by=keeper(), reason="spam")
    assert LateChange.objects.get().moved == 1
