"""What cannot be deleted says so in one sentence. [O-7]"""

from __future__ import annotations

import pytest
from django.contrib.admin.sites import site
from django.db import IntegrityError
from django.db.models import Model

from campaigns.admin.lists import ListEntryAdmin
from campaigns.models import FanList, ListEntry
from operations.adminkit import deleting
from operations.adminkit.deleting import refusal
from operations.adminkit.listing import TitledAdmin
from operations.errors import Refusal
from operations.models import StatusChange
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, member_of, staff

pytestmark = pytest.mark.django_db


def entry() -> ListEntry:
    return ListEntry.objects.create(kind="blacklist", pattern="@bad.example")


def said_of_deleting(row: Model, how: str = "post") -> list[str]:
    """What the row's page says after its deletion was asked for."""
    client = client_of(member_of("administrator"))
    address = f"/admin/campaigns/listentry/{row.pk}/delete/"
    answer = getattr(client, how)(address, {"post": "yes"}, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_the_sentence_counts_what_refers_to_the_row():
    rows: list[Model] = [StatusChange(), StatusChange(), FanList()]
    kept = ListEntry(kind="blacklist", pk=7)
    assert refusal(kept, rows) == (
        "List entry “blacklist entry 7” cannot be deleted because 2 history entries and 1 fan list"
        " refer to it."
    )
    assert refusal(kept, rows[2:]).endswith("because 1 fan list refers to it.")
    assert refusal(kept, []).endswith("because other rows need it.")


def test_what_protects_a_row_is_found_before_anything_is_deleted():
    ann = staff("ann")
    change = StatusChange.objects.create(
        subject_kind="wave", subject_id="x", to_state="held", by=ann
    )
    assert set(deleting.protecting(ann)) == {change}
    assert not deleting.protecting(change)


@pytest.mark.parametrize("how", ["get", "post"])
def test_a_row_that_others_refer_to_is_kept_with_one_sentence(monkeypatch, how):
    row = entry()
    monkeypatch.setattr(deleting, "protecting", lambda _: [FanList(pk=1), FanList(pk=2)])
    (said,) = said_of_deleting(row, how)
    assert said.endswith("cannot be deleted because 2 fan lists refer to it.")
    assert ListEntry.objects.exists()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (IntegrityError("kept by a trigger"), "cannot be deleted because other rows need it."),
        (Refusal("Wave tour_1 needs it."), "Wave tour_1 needs it."),
    ],
)
def test_what_is_refused_while_it_is_deleted_is_one_sentence_and_nothing_goes(
    monkeypatch, error, sentence
):
    """A trigger, or a row that came after the page looked."""

    def refused(self, request, obj):
        obj.delete()
        raise error

    row = entry()
    monkeypatch.setattr(ListEntryAdmin, "delete_model", refused)
    (said,) = said_of_deleting(row)
    assert said.endswith(sentence)
    assert ListEntry.objects.exists()


def test_every_list_of_the_site_answers_this_way_and_deletes_rows_one_by_one(rf):
    request = rf.get("/")
    request.user = member_of("administrator")
    for model, shown in site._registry.items():
        assert isinstance(shown, TitledAdmin), model
        assert not shown.get_actions(request), model


def test_c2_the_database_deletes_no_campaign_but_a_draft():
    make_campaign(opened=False).delete()
    with pytest.raises(IntegrityError, match="Only a draft can be deleted"):
        make_campaign().delete()
