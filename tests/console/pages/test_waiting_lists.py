"""The pages of a waiting list: by key, masked, searched by POST, downloaded for a reason. [W-5,
O-7]
"""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Registrant
from console.models import PersonalDataAccess
from console.pages import waiting_lists
from tests.console.page_cases import prepared, said
from tests.support.people import client_of, member_of
from waves.models import Wave
from waves.selection.waiting_list import waiting_rows

pytestmark = pytest.mark.django_db


def listed(wave: Wave) -> list[tuple[str, ...]]:
    return list(waiting_rows(wave))[1:]


def places(answer) -> list[int]:
    return [row["place"] for row in answer.context["fans"]]


def test_w5_the_list_is_read_page_by_page_and_counts_nothing(monkeypatch):
    monkeypatch.setattr(waiting_lists, "PAGE", 8)
    wave, viewer = prepared(), client_of(member_of("viewer"))
    page = f"/admin/wave/{wave.name}/waiting-list/"
    with CaptureQueriesContext(connection) as asked:
        first = viewer.get(page)
    assert not any("count(" in query["sql"].lower() for query in asked)
    assert (places(first), first.context["before"], first.context["after"]) == (
        [*range(1, 9)],
        None,
        8,
    )
    last = viewer.get(page, {"after": "16"})
    assert (places(last), last.context["before"], last.context["after"]) == (
        [17, 18, 19, 20],
        8,
        None,
    )
    for odd in ("-1", "x", "9" * 11, "²"):
        assert places(viewer.get(page, {"after": odd}))[0] == 1
    behind = viewer.get(page, {"after": "9999999999"})
    assert (places(behind), "No fans here." in behind.content.decode()) == ([], True)
    html, row = first.content.decode(), listed(wave)[0]
    assert f">{row[1]}<" in html
    assert f">{row[2]}<" not in html
    shown = client_of(member_of("operator"))
    shown.post("/admin/personal-data/", {"reason": "the label asks"})
    assert f">{row[2]}<" in shown.get(page).content.decode()


@pytest.mark.parametrize("named_by", ["global_user_id", "member_id", "email", "phone"])
def test_w5_a_fan_is_found_on_the_list_by_post_and_it_is_logged(monkeypatch, named_by):
    monkeypatch.setattr(waiting_lists, "PAGE", 8)
    wave, viewer = prepared(), client_of(member_of("viewer"))
    page, row = f"/admin/wave/{wave.name}/waiting-list/", listed(wave)[12]
    named = getattr(Registrant.objects.get(global_user_id=row[1]), named_by)
    answer = viewer.post(page, {"fan": named, "reason": "the fan called"}, follow=True)
    assert answer.redirect_chain == [(f"{page}?after=8&place=13", 302)]
    assert said(answer) == [f"Fan {row[1]} is at place 13 of 20 on the waiting list."]
    assert (
        '<tr class="fw-marked"><td class="fw-number" data-label="Place">13<'
        in answer.content.decode()
    )
    logged = PersonalDataAccess.objects.get()
    assert (logged.what, logged.subject) == ("found", f"waiting list of {wave.name}")


def test_w5_who_is_not_on_the_list_is_said_so():
    wave, viewer = prepared(), client_of(member_of("viewer"))
    page = f"/admin/wave/{wave.name}/waiting-list/"
    member = wave.members.order_by("place")[0].global_user_id
    for fan in (member, "nobody"):
        answer = viewer.post(page, {"fan": fan, "reason": "the fan called"}, follow=True)
        assert "No fan with this value is on this waiting list" in said(answer)[0]
    assert viewer.post(page, {"fan": member}).context["form"].errors["reason"]
    assert PersonalDataAccess.objects.count() == 2


def test_o7_the_whole_list_is_downloaded_for_a_reason_with_harmless_cells():
    wave = prepared()
    operator, page = client_of(member_of("operator")), f"/admin/wave/{wave.name}/waiting-list/"
    row = listed(wave)[2]
    Registrant.objects.filter(global_user_id=row[1]).update(member_id="=1+1")
    assert "Enter the reason" in said(operator.post(f"{page}download/", follow=True))[0]
    assert not PersonalDataAccess.objects.exists()
    answer = operator.post(f"{page}download/", {"reason": "the label asks"})
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows[0] == ["place", "globalUserId", "memberId", "markets", "bandScore"]
    assert rows[3] == ["3", row[1], "'=1+1", *row[3:]]
    assert len(rows) == 1 + wave.waitlist
    logged = PersonalDataAccess.objects.get()
    assert (logged.what, logged.subject) == ("exported", f"{wave.name}.waiting-list.csv")
    viewer = client_of(member_of("viewer"))
    assert viewer.post(f"{page}download/", {"reason": "the label asks"}).status_code == 403
    assert f"{page}download/" not in viewer.get(page).content.decode()


def test_w5_a_wave_without_a_list_leads_back_to_its_page():
    wave, viewer = prepared(), client_of(member_of("operator"))
    Wave.objects.update(waiting_key="")
    page = f"/admin/wave/{wave.name}/waiting-list/"
    for answer in (
        viewer.get(page, follow=True),
        viewer.post(f"{page}download/", {"reason": "the label asks"}, follow=True),
    ):
        assert answer.redirect_chain[-1][0] == f"/admin/wave/{wave.name}/"
        assert "is not prepared, so it has no waiting list" in said(answer)[0]


def test_w5_an_outdated_list_says_why():
    wave, viewer = prepared(), client_of(member_of("viewer"))
    page = f"/admin/wave/{wave.name}/waiting-list/"
    assert "out of date" not in viewer.get(page).content.decode()
    Wave.objects.update(state="cancelled")
    assert "This list is out of date: the wave was cancelled." in viewer.get(page).content.decode()
