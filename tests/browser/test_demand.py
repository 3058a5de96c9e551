"""Change events are uploaded, looked up, repaired and replayed by hand, in a real browser. [BR-014,
BR-020, D-1]
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from demand.models import CurrentRecord, ErrorFile, Shard
from sandbox import changes
from tests.browser.conftest import Person
from tests.support.change_events import DEMAND, EVENT, NOTIFICATION, SALE, archived, change

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVENTS = 3_000
A_WHILE = 60_000  # milliseconds: the machine may be busy
TODAY = timezone.now().astimezone(UTC).replace(hour=9, minute=0, second=0, microsecond=0)


def overflow(page: Page) -> int:
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def months() -> None:
    """Seven weeks of demands, sales to come, and a record that changed several times."""
    raws = [
        change(DEMAND, fanId=f"fan-{day}-{number}", date={"requested": _ago(day)})
        for day in range(50)
        for number in range(4 + 15 * (day * 7 % 11) // (1 + day % 5))
    ]
    raws += [
        change(NOTIFICATION, fanId=f"fan-{day}", date={"created": _ago(day)})
        for day in range(2, 40, 3)
    ]
    raws += [
        change(EVENT, id=f"event-{day}", date={"firstSeen": _ago(day), "updated": _ago(day)})
        for day in range(1, 48, 7)
    ]
    raws += [change(SALE, id=f"sale-{day}", saleStartDateTime=_ago(-day)) for day in (2, 9, 10)]
    for at in range(0, len(raws), 400):
        archived(raws[at : at + 400])
    at = (TODAY - timedelta(days=3)).timestamp()
    archived(
        [
            change(DEMAND, date={"requested": _ago(3)}, at=at),
            change(EVENT, at=at),
            change(SALE, at=at),
        ]
    )
    asked = {"requested": _ago(3), "triggered": _ago(2)}
    archived([change(DEMAND, "MODIFY", date=asked, email="anna.berg@example.com", at=at + 86_400)])
    archived(
        [
            change(
                DEMAND,
                "MODIFY",
                date=asked | {"notified": _ago(1)},
                email="anna.berg@example.com",
                at=at + 2 * 86_400,
            )
        ]
    )
    archived([change(NOTIFICATION, date={"created": _ago(1)}, at=at + 2 * 86_400)])
    Shard.objects.create(
        stream="demand-changes",
        shard_id="shardId-000000000001",
        behind_seconds=3,
        looked_at=timezone.now(),
        claimed="49" * 28,
    )
    Shard.objects.create(
        stream="demand-changes", shard_id="shardId-000000000000", ended=True, claimed="48" * 28
    )


def _ago(days: int) -> str:
    return f"{TODAY - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def test_d1_change_events_are_uploaded_and_their_page_says_what_became_of_them(
    sign_in, tmp_path: Path
):
    file = tmp_path / "changes.jsonl"
    changes.write(file, EVENTS, bad=0.01)
    person: Person = sign_in("operator")
    page = person.go("/admin/demand-archive/")
    person.picture("demand-empty")
    page.click("text=Upload change events")
    page.set_input_files("#file", file)
    person.picture("demand-upload")
    page.click("button:has-text('Upload')")
    expect(page.locator("text=Every event has one outcome")).to_be_visible(timeout=A_WHILE)
    expect(page.locator(".fw-ledger")).to_contain_text(f"{EVENTS:,} in")
    person.picture("demand-uploaded")


def test_br020_a_record_is_found_and_its_history_shown(sign_in):
    months()
    person: Person = sign_in("operator")
    page = person.go("/admin/demand-archive/")
    expect(page.locator("figure svg[role=img]")).to_have_count(4)
    person.picture("demand")
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert overflow(page) <= 0, width
    page.set_viewport_size({"width": 1280, "height": 900})
    page.click("text=← Earlier")
    expect(page.locator("#volumes figure")).to_have_count(4)

    person.go("/admin/demand-archive/")
    page.click(".fw-tools >> text=Find a demand record")
    page.fill("#id_fan", "fan-1")
    page.fill("#id_reason", "the fan asked what we know")
    page.click("button:has-text('Find')")
    assert "fan-1" not in page.url
    expect(page.locator("tbody tr")).to_have_count(2)
    person.picture("demand-find")
    page.click("tr:has-text('demand') >> text=event-1_sale-1_fan-1")
    expect(page.locator("h2:has-text('History')")).to_be_visible()
    expect(page.locator(".fw-states > li")).to_have_count(3)
    assert "example.com" not in page.content()
    person.picture("demand-record")
    page.click("text=Show personal data for 15 minutes")
    page.fill("#unmask-reason", "the fan asked what we know")
    page.click("button:has-text('Show for 15 minutes')")
    expect(page.locator(".fw-states > li").nth(1)).to_contain_text("anna.berg@example.com")
    page.click(".fw-states > li:nth-child(2) summary")
    person.picture("demand-record-shown")
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert overflow(page) <= 0, width


def test_br014_a_failed_event_is_repaired_and_replayed(sign_in):
    archived(
        [change(DEMAND, fanId=f"fan-{number}", date={}) for number in range(3)]
        + [change(DEMAND, "REMOVE", date={}), change(DEMAND)]
    )
    archived(
        [
            (
                b'{"eventName": "REMOVE", "dynamodb": {"OldImage": {"email": {"S": "anna@example.com"},'
                b" caf\xc3\xa9"
            )
        ]
    )
    file, torn = ErrorFile.objects.order_by("pk")
    person: Person = sign_in("operator")
    page = person.go(f"/admin/demand-archive/error-file/{file.pk}/")
    person.picture("demand-errors-hidden")
    page.click("text=Show personal data for 15 minutes")
    page.fill("#unmask-reason", "its dates are missing")
    page.click("button:has-text('Show for 15 minutes')")
    expect(page.locator("pre.fw-event")).to_have_count(4)
    person.picture("demand-errors")
    page.click("text=Repair this event >> nth=0")
    event = json.loads(page.input_value("#id_events"))
    event["dynamodb"]["NewImage"]["date"]["M"]["requested"] = {"S": datetime.now(UTC).isoformat()}
    page.fill("#id_events", json.dumps(event))
    page.fill("#id_reason", "the date stands in the fan's message")
    person.picture("demand-repair")
    page.click("button:has-text('Replay these')")
    expect(page.locator("body")).to_contain_text("Replayed: 1 in = 1 archived + 0 errors.")
    assert CurrentRecord.objects.filter(fan_id="fan-0").exists()
    person.picture("demand-replayed")
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert overflow(page) <= 0, width
    page.set_viewport_size({"width": 1280, "height": 900})
    person.go(f"/admin/demand-archive/error-file/{torn.pk}/")
    expect(page.locator("text=Repair and replay…")).to_be_visible()
    assert page.locator("text=Replay unchanged").count() == 0
    person.picture("demand-errors-torn")
    for name in ("currentrecord", "errorfile", "batch", "delivery", "eventupload"):
        person.go(f"/admin/demand/{name}/")
        person.picture(f"demand-list-{name}")
    person.go("/admin/")
    person.picture("demand-now")
