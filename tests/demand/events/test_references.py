"""A record's reference and its partition date, by its type. [BR-006, BR-008 … BR-011, D-7]"""

from __future__ import annotations

import pytest

from demand.choices import ErrorType
from tests.demand.changes import CHANGES, NAMES, archived, failed, raw

CHANGED_STAMP = "2026-09-21T14:13:20.250Z"


NOW_STAMP = "2026-11-21T10:00:00.123Z"


def test_br003_the_dates_of_an_event_are_named_by_their_path():
    assert (
        failed(raw("event", eventDate={"start": {"dateTime": 5}})).message
        == "eventDate.start.dateTime: is N, not S"
    )
    assert failed(raw("event", eventDate={"end": "x"})).message == "eventDate.end: is S, not M"


@pytest.mark.parametrize(
    ("record_type", "field"),
    [("demand", each) for each in ("fanId", "eventId", "saleId")]
    + [("notification", each) for each in ("fanId", "eventId", "saleId")]
    + [("event", "id"), ("sale", "id"), ("sale", "eventId")],
)
@pytest.mark.parametrize("name", NAMES)
def test_br003_an_id_is_there_and_not_empty(record_type, field, name):
    for value in (None, "", " \n"):
        found = failed(raw(record_type, name, **{field: value}))
        assert (found.error_type, found.message) == (
            ErrorType.INVALID_FIELD,
            f"{field}: missing or empty",
        )
    assert failed(raw(record_type, name, without=(field,))).error_type == ErrorType.INVALID_FIELD


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("record_type", "reference"),
    [
        ("demand", "event-1_sale-1_fan-1"),
        ("notification", "event-1_sale-1_fan-1"),
        ("event", "event-1"),
        ("sale", "event-1_sale-1"),
    ],
)
def test_br006_the_reference_is_made_of_the_ids(record_type, name, reference):
    found = archived(raw(record_type, name))
    assert found.record["reference"]["id"] == found.reference_id == reference
    ids = {
        "demand": ("fan-1", "event-1", "sale-1"),
        "event": ("", "event-1", ""),
        "sale": ("", "event-1", "sale-1"),
    }
    assert (found.fan_id, found.event_id, found.sale_id) == ids.get(record_type, ids["demand"])


def timestamp(record_type, name="INSERT", **values):
    return archived(raw(record_type, name, **values)).record["reference"]["timestamp"]


def test_br006_a_demands_reference_has_the_newest_of_its_dates():
    dates = {
        "requested": "2026-10-01",
        "triggered": "2026-10-03T01:00:00+02:00",
        "notified": "2026-10-02T22:59:59.999Z",
    }
    assert timestamp("demand", date=dates) == "2026-10-02T23:00:00.000Z"
    assert timestamp("demand", date=dates | {"deleted": "2026-11-01"}) == "2026-11-01T00:00:00.000Z"
    assert timestamp("demand", date={"requested": "2026-10-01"}) == "2026-10-01T00:00:00.000Z"
    assert (
        timestamp("demand", "REMOVE", date={"requested": "2026-01-01", "deleted": "2027-01-01"})
        == CHANGED_STAMP
    )
    assert (
        timestamp("demand", "REMOVE", date={"requested": "2026-10-01"})
        == "2026-10-01T00:00:00.000Z"
    )


@pytest.mark.parametrize("record_type", ["notification", "event"])
def test_br006_the_reference_of_notifications_and_events_has_deleted_else_updated_else_the_change(
    record_type,
):
    dates = {"created": "2026-10-01", "firstSeen": "2026-10-01"}
    assert (
        timestamp(record_type, date=dates | {"updated": "2026-10-02", "deleted": "2026-10-01"})
        == "2026-10-01T00:00:00.000Z"
    )
    assert (
        timestamp(record_type, date=dates | {"updated": "2026-10-02"}) == "2026-10-02T00:00:00.000Z"
    )
    assert timestamp(record_type, date=dates) == CHANGED_STAMP
    assert (
        timestamp(record_type, date=dates, change={"ApproximateCreationDateTime": None})
        == NOW_STAMP
    )
    assert timestamp(record_type, "REMOVE", date=dates | {"updated": "2026-10-02"}) == CHANGED_STAMP


def test_br006_a_sales_reference_has_deleted_else_its_start():
    assert timestamp("sale") == "2026-11-01T09:00:00.000Z"
    assert timestamp("sale", date={"deleted": "2026-10-05"}) == "2026-10-05T00:00:00.000Z"
    assert timestamp("sale", "REMOVE") == CHANGED_STAMP


@pytest.mark.parametrize(("record_type", "name"), CHANGES)
def test_br006_a_reference_that_no_index_can_hold_is_an_error(record_type, name):
    field = "id" if record_type in ("event", "sale") else "fanId"
    room = 800 - len(archived(raw(record_type, name, **{field: "x"})).reference_id)
    assert len(archived(raw(record_type, name, **{field: "x" * (room + 1)})).reference_id) == 800
    for long in ("x" * (room + 2), "𝄞" * (room - 20)):
        found = failed(raw(record_type, name, **{field: long}))
        assert found.error_type == ErrorType.INVALID_FIELD
        assert found.message == "reference.id: longer than 800 characters or 2600 bytes"


def day(record_type, name, **values):
    return archived(raw(record_type, name, **values)).partition_date


@pytest.mark.parametrize("name", NAMES)
def test_br008_the_day_of_a_demand_is_the_utc_day_it_was_requested(name):
    assert day("demand", name, date={"requested": "2026-01-20T23:30:00-05:00"}) == "2026-01-21"
    assert day("demand", name, date={"requested": "2026-01-20T23:59:59.999Z"}) == "2026-01-20"


@pytest.mark.parametrize("name", NAMES)
def test_br009_the_day_of_a_notification_is_the_utc_day_it_was_created(name):
    assert (
        day(
            "notification",
            name,
            date={"created": "2026-01-20T00:30:00+05:30", "updated": "2026-05-01"},
        )
        == "2026-01-19"
    )


@pytest.mark.parametrize("name", NAMES)
def test_br010_the_day_of_an_event_is_first_seen_else_its_start_else_the_change(name):
    start = {"start": {"dateTime": "2026-12-31T23:00:00-01:00", "localDate": "2026-12-31"}}
    assert day("event", name, eventDate=start) == "2026-09-01"
    assert day("event", name, eventDate=start, date={"updated": "2026-02-02"}) == "2027-01-01"
    assert day("event", name, eventDate=start, without=("date",)) == "2027-01-01"
    assert day("event", name, without=("date",)) == "2026-09-21"
    assert (
        day("event", name, without=("date",), change={"ApproximateCreationDateTime": None})
        == "2026-11-21"
    )
    assert (
        day("event", name, date=None, eventDate={"start": {"localDate": "2026-12-31"}})
        == "2026-09-21"
    )


@pytest.mark.parametrize("name", NAMES)
def test_br011_the_day_of_a_sale_is_the_utc_day_it_begins(name):
    assert day("sale", name, saleStartDateTime="2026-12-31T23:00:00-01:00") == "2027-01-01"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("record_type", "values", "field"),
    [
        ("demand", {"date": {"triggered": "2026-01-01"}}, "date.requested"),
        ("demand", {"date": None}, "date.requested"),
        ("demand", {"date": {}}, "date.requested"),
        ("notification", {"date": {"updated": "2026-01-01"}}, "date.created"),
        ("notification", {"date": None}, "date.created"),
        ("sale", {"saleStartDateTime": None}, "saleStartDateTime"),
        ("sale", {"saleStartDateTime": " "}, "saleStartDateTime"),
    ],
)
def test_d7_a_missing_date_is_an_error_never_a_guess(record_type, values, name, field):
    found = failed(raw(record_type, name, **values))
    assert (found.error_type, found.message) == (ErrorType.INVALID_DATE, f"{field}: missing")


@pytest.mark.parametrize("name", ["INSERT", "MODIFY"])
@pytest.mark.parametrize(
    ("record_type", "values", "field"),
    [
        ("demand", {"date": {"requested": "canary"}}, "date.requested"),
        (
            "demand",
            {"date": {"requested": "2026-01-01", "triggered": "2026-02-30"}},
            "date.triggered",
        ),
        ("demand", {"date": {"requested": "2026-01-01", "notified": "canary"}}, "date.notified"),
        ("demand", {"date": {"requested": "2026-01-01", "deleted": "canary"}}, "date.deleted"),
        ("notification", {"date": {"created": "1767225600000"}}, "date.created"),
        ("notification", {"date": {"created": "2026-01-01", "updated": "canary"}}, "date.updated"),
        ("event", {"date": {"firstSeen": "canary"}}, "date.firstSeen"),
        ("event", {"date": {"updated": "canary"}}, "date.updated"),
        (
            "event",
            {"date": None, "eventDate": {"start": {"dateTime": "canary"}}},
            "eventDate.start.dateTime",
        ),
        ("sale", {"saleStartDateTime": "canary"}, "saleStartDateTime"),
        ("sale", {"date": {"deleted": "canary"}}, "date.deleted"),
    ],
)
def test_d7_a_date_that_is_there_and_cannot_be_read_is_an_error(record_type, values, name, field):
    found = failed(raw(record_type, name, **values))
    assert (found.error_type, found.message) == (
        ErrorType.INVALID_DATE,
        f"{field}: not an ISO 8601 date",
    )
