"""Operators look a record up and see its history. [BR-020, D-6, O-5, O-7]"""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console.models import PersonalDataAccess
from demand.models import CurrentRecord, ErrorFile
from tests.console.demand.demand_cases import FIND, HOSTILE, T, looked_for, page_of, text_of, unmask
from tests.support.change_events import DEMAND, EVENT, NOTIFICATION, SALE, archived, change

pytestmark = pytest.mark.django_db


# Looking for records


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"fan": "fan-1"}, 2),
        ({"event": "event-1"}, 5),
        ({"sale": "sale-1"}, 4),
        ({"reference": "event-1_sale-1_fan-1"}, 2),
        ({"fan": "fan-2", "event": "event-1"}, 1),
        ({"event": "event-1", "record_type": "event"}, 1),
        ({"fan": "fan-1", "event": "event-2"}, 0),
    ],
)
def test_d6_records_are_found_by_fan_event_sale_and_reference(operator, asked, found):
    archived(
        [
            change(DEMAND),
            change(DEMAND, fanId="fan-2"),
            change(NOTIFICATION),
            change(EVENT),
            change(SALE),
        ]
    )
    html = looked_for(operator, **asked)
    assert len(re.findall(r"/admin/demand-archive/record/\d+/", html)) == found
    assert ("No records match" in html) == (found == 0)


def test_o5_each_look_is_logged_with_its_reason_and_without_what_was_looked_for(operator):
    looked_for(operator, fan="fan-1", sale="sale-1")
    access = PersonalDataAccess.objects.get()
    assert (access.what, access.subject, access.reason) == (
        "found",
        "demand archive, by fan, sale",
        "the fan asked",
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"reason": "the fan asked"},
        {"fan": "fan-1", "reason": ""},
    ],
)
def test_nothing_is_looked_for_without_an_id_and_a_reason(operator, asked):
    archived([change(DEMAND)])
    html = text_of(operator.post(FIND, asked))
    assert "/admin/demand-archive/record/" not in html
    assert not PersonalDataAccess.objects.exists()


def test_o7_ids_stand_in_no_address_and_pages_of_results_lose_nobody(operator, monkeypatch):
    from console.pages.demand import archive as pages

    monkeypatch.setattr(pages, "FOUND", 3)
    archived([change(DEMAND, fanId=f"fan-{number}", at=T + number % 2) for number in range(8)])
    seen, after = [], ""
    while True:
        html = looked_for(operator, event="event-1", **({"after": after} if after else {}))
        seen += re.findall(r"event-1_sale-1_fan-\d", html)
        assert not re.search(r'(href|action)="[^"]*fan-\d', html)
        further = re.search(r'name="after" value="(\d+)"', html)
        if not further:
            break
        after = further[1]
    assert (
        sorted(set(seen))
        == sorted(seen)
        == sorted(f"event-1_sale-1_fan-{number}" for number in range(8))
    )


def test_a_page_of_results_asks_as_often_for_forty_records_as_for_one(operator):
    counts = []
    for fans in (1, 40):
        archived([change(DEMAND, fanId=f"fan-{number}") for number in range(fans)])
        with CaptureQueriesContext(connection) as asked:
            looked_for(operator, event="event-1")
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert not [query for query in asked if "count(" in query["sql"].lower()]


# A record and its history


def test_br019_a_record_and_its_history_are_masked_until_it_is_asked_for(operator, viewer):
    archived([change(NOTIFICATION, at=T), change(DEMAND, at=T)])
    archived([change(DEMAND, "MODIFY", at=T + 60, email="abel@example.com")])
    for current in CurrentRecord.objects.all():
        for client in (operator, viewer):
            html = text_of(client.get(page_of(current)))
            for canary in (
                "anna@example.com",
                "abel@example.com",
                "+12025550123",
                "Dear Anna",
                "member-123456",
            ):
                assert canary not in html
            assert "+1••••••••23" in html
    unmask(viewer)
    assert "anna@example.com" not in text_of(viewer.get(page_of(current)))
    unmask(operator)
    assert "+12025550123" in text_of(operator.get(page_of(current)))


def test_br005_a_deleted_record_says_that_it_was_scrubbed(operator):
    archived([change(DEMAND, at=T)])
    archived([change(DEMAND, "REMOVE", at=T + 60)])
    unmask(operator)
    html = text_of(operator.get(page_of(CurrentRecord.objects.get())))
    now = html.partition("Current state")[2].partition("History")[0]
    assert "[redacted]" in now
    assert ">removed<" in now
    assert "anna@example.com" not in now
    assert "anna@example.com" in html  # the state before it was deleted keeps what it had [BR-018]


def test_what_others_wrote_does_no_harm_on_any_page(operator):
    hostile = {"fanId": HOSTILE, "eventName": HOSTILE, "saleId": HOSTILE, "email": HOSTILE}
    archived(
        [
            change(DEMAND, **hostile),
            change(EVENT, name=HOSTILE),
            change(SALE, id=HOSTILE, name=HOSTILE),
            b'{"eventName": "' + HOSTILE.encode(),
        ]
    )
    unmask(operator)
    pages = [
        looked_for(operator, fan=HOSTILE),
        *(text_of(operator.get(page_of(each))) for each in CurrentRecord.objects.all()),
    ]
    pages += [
        text_of(operator.get(f"/admin/demand-archive/error-file/{each.pk}/"))
        for each in ErrorFile.objects.all()
    ]
    pages += [
        text_of(operator.get(f"/admin/demand/{name}/"))
        for name in ("currentrecord", "errorfile", "batch")
    ]
    assert len(pages) == 8
    for html in pages:
        assert "<script>alert" not in html
    for html in pages[:6]:
        assert "&lt;script&gt;alert(1)" in html
        shown = re.sub(r"<input[^>]*>", "", html)
        assert "\\u202e" in shown
        assert "\u202e" not in shown


def test_a_record_leads_to_its_event_its_sale_and_its_notification(operator):
    archived(
        [
            change(DEMAND),
            change(NOTIFICATION),
            change(EVENT),
            change(SALE),
            change(DEMAND, fanId="fan-2"),
        ]
    )
    html = text_of(
        operator.get(page_of(CurrentRecord.objects.get(record_type="demand", fan_id="fan-1")))
    )
    linked = {int(number) for number in re.findall(r"/admin/demand-archive/record/(\d+)/", html)}
    others = CurrentRecord.objects.exclude(fan_id="fan-2").exclude(record_type="demand")
    assert linked - {CurrentRecord.objects.get(record_type="demand", fan_id="fan-1").pk} == {
        each.pk for each in others
    }
    assert "The Tour in Leeds" in html
