"""Operators look a record up, see its history, repair what failed, and count what came. [BR-020, D-4, D-5, D-6, O-5, O-7]"""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console import demand_errors, demand_history, demand_numbers
from console.models import PersonalDataAccess
from datalake import storage
from datalake.models import LakeFile, LakePartition
from demand.choices import BatchState
from demand.models import Batch, CurrentRecord, ErrorFile, Shard, Snapshot
from tests.console.people import client_of, member_of, staff
from tests.demand.builders import DEMAND, EVENT, NOTIFICATION, SALE, archived, change

pytestmark = pytest.mark.django_db

FIND, OVERVIEW = "/admin/demand-archive/find/", "/admin/demand-archive/"
HOSTILE = "<script>alert(1)</script>\u202e{{ 7|add:7 }}"
T = 1_790_000_000


@pytest.fixture
def operator():
    return client_of(member_of("operator"))


@pytest.fixture
def viewer():
    return client_of(member_of("viewer"))


def unmask(client):
    client.post("/admin/personal-data/", {"reason": "a fan called", "next": "/admin/"})


def page_of(record: CurrentRecord) -> str:
    return f"/admin/demand-archive/record/{record.pk}/"


def text_of(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def looked_for(client, **asked) -> str:
    return text_of(client.post(FIND, {"reason": "the fan asked", **asked}))


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
    archived([change(DEMAND), change(DEMAND, fanId="fan-2"), change(NOTIFICATION), change(EVENT), change(SALE)])
    html = looked_for(operator, **asked)
    assert len(re.findall(r"/admin/demand-archive/record/\d+/", html)) == found
    assert ("knows no such record" in html) == (found == 0)


def test_o5_each_look_is_logged_with_its_reason_and_without_what_was_looked_for(operator):
    looked_for(operator, fan="fan-1", sale="sale-1")
    access = PersonalDataAccess.objects.get()
    assert (access.what, access.subject, access.reason) == ("found", "demand archive, by fan, sale", "the fan asked")


@pytest.mark.parametrize(
    "asked", [{"reason": "the fan asked"}, {"fan": "fan-1", "reason": ""}, {"fan": "fan-1\0", "reason": "the fan asked"}]
)
def test_nothing_is_looked_for_without_an_id_and_a_reason(operator, asked):
    archived([change(DEMAND)])
    html = text_of(operator.post(FIND, asked))
    assert "/admin/demand-archive/record/" not in html
    assert not PersonalDataAccess.objects.exists()


def test_o7_ids_stand_in_no_address_and_pages_of_results_lose_nobody(operator, monkeypatch):
    from console.pages import demand as pages

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
    assert sorted(set(seen)) == sorted(seen) == sorted(f"event-1_sale-1_fan-{number}" for number in range(8))


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


def test_br020_a_records_history_marks_what_each_change_changed(operator):
    archived([change(DEMAND, at=T)])
    archived([change(DEMAND, "MODIFY", at=T + 60, eventName="The Long Tour", email="abel@example.com")])
    current = CurrentRecord.objects.get()
    unmask(operator)
    html = text_of(operator.get(page_of(current)))
    assert "2 fields changed" in html
    assert "first known" in html
    changed = html.partition('aria-label="What changed"')[2].partition("</table>")[0]
    cells = re.sub(r"<[^>]+>|\s+", " ", changed)
    assert re.search(r"eventName +The Tour +The Long Tour", cells)
    assert re.search(r"email +anna@example.com +abel@example.com", cells)
    assert "phoneNumber" not in cells


def test_br019_a_record_and_its_history_are_masked_until_it_is_asked_for(operator, viewer):
    archived([change(NOTIFICATION, at=T), change(DEMAND, at=T)])
    archived([change(DEMAND, "MODIFY", at=T + 60, email="abel@example.com")])
    for current in CurrentRecord.objects.all():
        for client in (operator, viewer):
            html = text_of(client.get(page_of(current)))
            for canary in ("anna@example.com", "abel@example.com", "+12025550123", "Dear Anna", "member-123456"):
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
    now = html.partition("As it is now")[2].partition("History")[0]
    assert "[redacted]" in now
    assert "taken out" in now
    assert "anna@example.com" not in now
    assert "anna@example.com" in html  # the state before it was deleted keeps what it had [BR-018]


def test_br020_states_come_newest_first_in_pages_that_lose_none(operator, monkeypatch):
    monkeypatch.setattr(demand_history, "STATES", 3)
    for number in range(7):
        archived([change(DEMAND, "MODIFY", at=T + number // 2, sequence=number + 1, eventName=f"Name {number}")])
    current = CurrentRecord.objects.get()
    address, seen = page_of(current), []
    while address:
        html = text_of(operator.get(address))
        shown = html.partition("<h2>History</h2>")[2]
        fields = [part.partition("</table>")[0] for part in shown.split('aria-label="All fields"')[1:]]
        seen += [re.search(r"Name \d", each)[0] for each in fields]
        older = re.search(r'href="(\?before=\d+)" rel="next"', html)
        address = page_of(current) + older[1] if older else ""
    assert seen == [f"Name {number}" for number in range(6, -1, -1)]
    assert html.count("first known") == 1


def test_a_history_opens_each_file_once_and_asks_as_often_for_many_states_as_for_one(operator, monkeypatch):
    opened = []
    read = storage.DiskBucket.open
    monkeypatch.setattr(storage.DiskBucket, "open", lambda bucket, key: opened.append(key) or read(bucket, key))
    counts = []
    for changes in (1, 12):
        archived([change(DEMAND, "MODIFY", at=T, sequence=number, eventName=f"Name {number}") for number in range(changes)])
        with CaptureQueriesContext(connection) as asked:
            text_of(operator.get(page_of(CurrentRecord.objects.get())))
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert len(opened) == 1 + 2


@pytest.mark.parametrize("damage", ["gone", "cut", "other", "no catalogue", "large"])
def test_a_state_whose_file_cannot_be_read_says_so_and_the_others_are_shown(operator, damage, monkeypatch):
    archived([change(DEMAND, at=T)])
    archived([change(DEMAND, "MODIFY", at=T + 60, eventName="The Long Tour")])
    file = LakeFile.objects.order_by("pk").first()
    bucket = storage.campaign_data()
    if damage == "gone":
        bucket.delete(file.key)
    elif damage == "cut":
        bucket.put(file.key, bucket.open(file.key).read()[:-40])
    elif damage == "other":
        Snapshot.objects.filter(file_id=file.pk).update(number=3)
    elif damage == "no catalogue":
        Snapshot.objects.filter(file_id=file.pk).update(file_id=0)
    else:
        LakeFile.objects.filter(pk=file.pk).update(bytes=demand_history.LARGEST_FILE + 1)
    html = text_of(operator.get(page_of(CurrentRecord.objects.get())))
    assert "This state cannot be shown." in html
    assert "what changed is not known" in html
    assert "The Long Tour" in html


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
    pages = [looked_for(operator, fan=HOSTILE), *(text_of(operator.get(page_of(each))) for each in CurrentRecord.objects.all())]
    pages += [text_of(operator.get(f"/admin/demand-archive/error-file/{each.pk}/")) for each in ErrorFile.objects.all()]
    pages += [text_of(operator.get(f"/admin/demand/{name}/")) for name in ("currentrecord", "errorfile", "batch")]
    assert len(pages) == 8
    for html in pages:
        assert "<script>alert" not in html
    for html in pages[:6]:
        assert "&lt;script&gt;alert(1)" in html
        shown = re.sub(r"<input[^>]*>", "", html)
        assert "\\u202e" in shown
        assert "\u202e" not in shown


def test_a_record_leads_to_its_event_its_sale_and_its_notification(operator):
    archived([change(DEMAND), change(NOTIFICATION), change(EVENT), change(SALE), change(DEMAND, fanId="fan-2")])
    html = text_of(operator.get(page_of(CurrentRecord.objects.get(record_type="demand", fan_id="fan-1"))))
    linked = {int(number) for number in re.findall(r"/admin/demand-archive/record/(\d+)/", html)}
    others = CurrentRecord.objects.exclude(fan_id="fan-2").exclude(record_type="demand")
    assert linked - {CurrentRecord.objects.get(record_type="demand", fan_id="fan-1").pk} == {each.pk for each in others}
    assert "The Tour in Leeds" in html


# Error files


def failed(operator_or_none=None) -> ErrorFile:
    """An error file of three: without its date, twice the same fault, one of them a deletion."""
    broken = {"date": {}}
    archived(
        [change(DEMAND, **broken), change(DEMAND, "REMOVE", **broken), change(DEMAND), change(DEMAND, fanId="fan-3", **broken)]
    )
    return ErrorFile.objects.get()


def test_d4_an_error_files_events_are_hidden_as_a_whole_until_personal_data_is_shown(operator, viewer):
    file = failed()
    address = f"/admin/demand-archive/error-file/{file.pk}/"
    for client in (operator, viewer):
        html = text_of(client.get(address))
        assert "anna@example.com" not in html
        assert "fan-3" not in html
        assert html.count("date.requested") >= 3
    assert html.count(">scrubbed<") == 1
    unmask(operator)
    assert "anna@example.com" in text_of(operator.get(address))
    unmask(viewer)
    assert "fan-3" not in text_of(viewer.get(address))


def test_d4_what_is_no_json_is_shown_as_its_bytes_say_and_called_so(operator):
    archived([b'{"eventName": "REMOVE", caf\xe9 anna@example.com'])
    unmask(operator)
    html = text_of(operator.get(f"/admin/demand-archive/error-file/{ErrorFile.objects.get().pk}/"))
    assert ">no JSON<" in html
    assert "caf\\xe9" in html
    assert "anna@example.com" not in html


def test_what_only_a_repair_brings_back_is_not_offered_to_be_replayed_as_it_is(operator):
    archived([b"{", change(DEMAND, date={})])
    offered = {
        file.error_type: "Replay as they are" in text_of(operator.get(f"/admin/demand-archive/error-file/{file.pk}/"))
        for file in ErrorFile.objects.all()
    }
    assert offered == {"not_json": False, "invalid_date": True}
    torn = ErrorFile.objects.get(error_type="not_json")
    address = f"/admin/demand-archive/error-file/{torn.pk}/replay/"
    assert "repair" in text_of(operator.post(address, {"reason": "perhaps it works now"}, follow=True))
    assert not Batch.objects.filter(source__startswith="replay:").exists()


def test_a_bucket_that_is_away_is_said_so_and_the_replay_goes_on_when_asked_again(operator, monkeypatch):
    file = failed()
    address = f"/admin/demand-archive/error-file/{file.pk}/repair/"
    given = {"events": change(DEMAND, fanId="fan-3").decode(), "reason": "the date was added"}
    with monkeypatch.context() as away:
        away.setattr(storage.DiskBucket, "put", lambda *args: (_ for _ in ()).throw(OSError("no space")))
        html = text_of(operator.post(address, given))
    assert "The bucket is not reached now" in html
    assert "fan-3" in html
    assert not CurrentRecord.objects.filter(fan_id="fan-3").exists()
    assert "1 archived" in text_of(operator.post(address, given, follow=True))
    assert Batch.objects.filter(source__startswith="replay:").count() == 1


def test_events_come_in_pages_and_each_is_shown_once(operator, monkeypatch):
    monkeypatch.setattr("console.pages.demand_errors.EVENTS", 2)
    archived([change(DEMAND, fanId=f"fan-{number}", date={}) for number in range(5)])
    unmask(operator)
    address = f"/admin/demand-archive/error-file/{ErrorFile.objects.get().pk}/"
    seen, asked = [], ""
    while asked is not None:
        html = text_of(operator.get(address + asked))
        seen += re.findall(r"fan-\d", html)
        older = re.search(r'href="(\?from=\d+)#events" rel="next"', html)
        asked = older[1] if older else None
    assert seen == [f"fan-{number}" for number in range(5)]


@pytest.mark.parametrize("damage", ["gone", "no json", "deep", "list", "large"])
def test_an_error_file_that_cannot_be_read_says_so(operator, damage, monkeypatch):
    file = failed()
    bucket = storage.campaign_data()
    contents = {"no json": b"{", "deep": b"[" * 200_000, "list": b'["a"]'}
    if damage == "gone":
        bucket.delete(file.key)
    elif damage == "large":
        monkeypatch.setattr(demand_errors, "LARGEST_FILE", 10)
    else:
        bucket.put(file.key, contents[damage])
    html = text_of(operator.get(f"/admin/demand-archive/error-file/{file.pk}/"))
    assert "fw-next fw-warn" in html


def test_br014_events_are_replayed_as_they_are_for_a_reason(operator):
    file = failed()
    address = f"/admin/demand-archive/error-file/{file.pk}/"
    refused = operator.post(f"{address}replay/", {"reason": ""}, follow=True)
    assert "nothing was replayed" in text_of(refused)
    assert not Batch.objects.filter(source__startswith="replay:").exists()
    html = text_of(operator.post(f"{address}replay/", {"reason": "the archive was mended"}, follow=True))
    batch = Batch.objects.get(source__startswith="replay:")
    assert f"Replayed: {batch.events} in = {batch.archived} archived + {batch.errors} errors." in html
    assert "the archive was mended" in html
    assert "operator-person" in html


def test_br014_events_are_replayed_after_a_repair_by_hand(operator):
    file = failed()
    address = f"/admin/demand-archive/error-file/{file.pk}/repair/"
    unmask(operator)
    html = text_of(operator.get(f"{address}?only=2"))
    given = re.search(r"<textarea[^>]*>\s*(.*?)</textarea>", html, re.S)[1]
    assert "fan-3" in given
    assert "fan-1" not in given
    repaired = change(DEMAND, fanId="fan-3").decode()
    told = text_of(operator.post(address, {"events": f"\r\n{repaired}\r\n", "reason": "the date was added"}, follow=True))
    assert "Replayed: 1 in = 1 archived + 0 errors." in told
    assert CurrentRecord.objects.filter(fan_id="fan-3").exists()


def test_the_box_of_repairs_is_empty_while_personal_data_is_hidden(operator):
    file = failed()
    html = text_of(operator.get(f"/admin/demand-archive/error-file/{file.pk}/repair/"))
    assert "fan-3" not in html
    assert "put repaired events here" in html


def test_a_refused_repair_keeps_what_was_typed(operator):
    file = failed()
    address = f"/admin/demand-archive/error-file/{file.pk}/repair/"
    for given in ({"events": "{typed", "reason": ""}, {"events": "\n".join(["{typed"] * 1_001), "reason": "a good reason"}):
        html = text_of(operator.post(address, given))
        assert "{typed" in html
        assert "errorlist" in html
    assert not Batch.objects.filter(source__startswith="replay:").exists()


def test_o5_who_may_only_look_neither_replays_nor_uploads(viewer):
    file = failed()
    html = text_of(viewer.get(f"/admin/demand-archive/error-file/{file.pk}/"))
    assert "Replay" not in html
    assert viewer.post(f"/admin/demand-archive/error-file/{file.pk}/replay/", {"reason": "because of it"}).status_code == 403
    assert viewer.get(f"/admin/demand-archive/error-file/{file.pk}/repair/").status_code == 403
    assert viewer.get("/admin/demand-archive/upload/").status_code == 403
    assert "Upload change events" not in text_of(viewer.get(OVERVIEW))


# Numbers


def test_d5_batches_are_counted_by_day_with_errors_by_type(operator):
    archived([change(DEMAND), change(DEMAND, date={}), b"{", b"[}"])
    archived([change(EVENT)])
    today, *_ = demand_numbers.batches_by_day(now=timezone.now())
    assert (today["batches"], today["events_in"], today["archived_in"], today["errors_in"]) == (2, 5, 2, 3)
    assert sorted(count for _, count in today["by_type"]) == [1, 2]
    assert today["by_type"][0] == ("not JSON", 2)
    html = text_of(operator.get(OVERVIEW))
    assert "not JSON 2" in html


def test_open_and_lost_batches_stand_apart_from_the_ledger(operator):
    now = timezone.now()
    for state, first in ((BatchState.OPEN, "1"), (BatchState.LOST, "2")):
        Batch.objects.create(source="kinesis:a/b", first=first, last=first, state=state, events=7, created_at=now)
    archived([change(DEMAND)])
    found = demand_numbers.last_day(now=now)
    assert (found["events_in"], found["archived_in"], found["errors_in"], found["open"], found["lost"]) == (1, 1, 0, 7, 7)
    assert "7 were gone from their stream" in text_of(operator.get(OVERVIEW))


def test_days_are_those_of_utc_and_two_weeks_back():
    now = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    for number, at in enumerate((now, now - timedelta(minutes=31), now - timedelta(days=13), now - timedelta(days=14))):
        Batch.objects.create(source="kinesis:a/b", first=str(number), last="", events=0, created_at=at)
    days = [row["day"] for row in demand_numbers.batches_by_day(now=now)]
    assert days == [date(2026, 11, 21), date(2026, 11, 20), date(2026, 11, 8)]


def test_volumes_show_the_newest_days_that_are_not_far_ahead():
    today = date(2026, 11, 21)
    for record_type, day in (("sale", date(9999, 12, 31)), ("sale", date(2026, 12, 1)), ("demand", date(2026, 11, 20))):
        LakePartition.objects.create(record_type=record_type, day=day, records=5)
    LakePartition.objects.create(record_type="scoring", day=date(2026, 12, 5), records=5)
    found = demand_numbers.volumes(today=today)
    assert found.last == date(2026, 12, 1)
    assert found.counts["demand"] == {date(2026, 11, 20): 5}
    assert found.counts["sale"] == {date(2026, 12, 1): 5}
    assert "scoring" not in found.counts


@pytest.mark.parametrize("until", ["0001-01-01", "9999-12-31", "2026-02-30", "x", "'; --", "2026-11-21"])
def test_any_day_can_be_asked_for_and_nonsense_does_no_harm(operator, until):
    archived([change(DEMAND)])
    assert operator.get(OVERVIEW, {"until": until}).status_code == 200


def test_streams_say_how_far_behind_they_are(operator):
    Shard.objects.create(
        stream="demand-stream", shard_id="shard-0", behind_seconds=600, looked_at=timezone.now(), claimed="9" * 56
    )
    Shard.objects.create(stream="demand-stream", shard_id="shard-1", ended=True)
    html = text_of(operator.get(OVERVIEW))
    assert "10 min" in html
    assert "read to its end" in html


def test_the_first_page_asks_as_often_for_many_batches_as_for_few(operator):
    counts = []
    for batches in (2, 12):
        for number in range(batches):
            archived([change(DEMAND, fanId=f"fan-{number}"), b"{"])
        with CaptureQueriesContext(connection) as asked:
            text_of(operator.get(OVERVIEW))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_first_page_says_what_came_in_a_day_to_those_who_may_see_it(operator):
    assert "Demand archive</h2>" not in text_of(operator.get("/admin/now/"))
    archived([change(DEMAND), b"{"])
    html = re.sub(r"<[^>]+>", "", text_of(operator.get("/admin/now/")))
    assert "2 change events in 24 hours = 1 archived + 1 errors." in html
    assert "change events" not in text_of(client_of(staff("newcomer")).get("/admin/now/"))


# Lists


@pytest.mark.parametrize("name", ["currentrecord", "batch", "errorfile", "eventupload", "delivery"])
def test_a_list_is_never_counted_and_asks_as_often_for_many_rows_as_for_few(operator, name):
    counts = []
    for batches in (1, 15):
        for number in range(batches):
            archived([change(DEMAND, fanId=f"fan-{number}"), b"{"])
        with CaptureQueriesContext(connection) as asked:
            html = text_of(operator.get(f"/admin/demand/{name}/"))
        counts.append(len(asked))
        assert "anna@example.com" not in html
        assert not [query for query in asked if "count(" in query["sql"].lower()]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("question", ["record__email=anna@example.com", "record__email__startswith=a", "fan_id=fan-1"])
def test_what_is_hidden_in_records_cannot_be_found_out_by_filtering(viewer, question):
    archived([change(DEMAND), change(DEMAND, fanId="fan-2", email="bert@example.com")])
    answer = viewer.get(f"/admin/demand/currentrecord/?{question}")
    if answer.status_code == 200:
        assert "fan-1" in answer.content.decode()
        assert "fan-2" in answer.content.decode()
    else:
        assert answer.status_code in (302, 400)


def test_rows_of_lists_lead_to_their_pages(operator):
    archived([change(DEMAND), b"{"])
    for name, row, page in (
        ("currentrecord", CurrentRecord.objects.get(), "record"),
        ("errorfile", ErrorFile.objects.get(), "error-file"),
    ):
        answer = operator.get(f"/admin/demand/{name}/{row.pk}/change/")
        assert answer.headers["Location"] == f"/admin/demand-archive/{page}/{row.pk}/"


def test_a_batchs_own_page_leads_to_its_error_files(operator):
    batch = archived([change(DEMAND), b"{"])
    html = text_of(operator.get(f"/admin/demand/batch/{batch.pk}/change/"))
    assert f"/admin/demand-archive/error-file/{ErrorFile.objects.get().pk}/" in html


# Uploads


def test_d1_an_upload_is_archived_in_the_background_and_its_page_says_what_became_of_it(operator):
    from io import BytesIO

    from demand.models import EventUpload
    from operations.models import Job
    from operations.tasks import run_job

    file = BytesIO(b"\n".join([change(DEMAND), b"{", change(EVENT)]))
    file.name = "changes.jsonl"
    answer = operator.post("/admin/demand-archive/upload/", {"file": file})
    upload = EventUpload.objects.get()
    assert answer.headers["Location"] == f"/admin/demand-archive/upload/{upload.pk}/"
    for job in Job.objects.filter(kind="archive_demand"):
        run_job(job.pk)
    html = text_of(operator.get(answer.headers["Location"]))
    assert "Every event has one outcome" in html
    assert re.search(r"<b>3</b> in.*<b>2</b> archived.*<b>1</b> errors", html)
    assert "not JSON" in html

    file.seek(0)
    again = text_of(operator.post("/admin/demand-archive/upload/", {"file": file}, follow=True))
    assert "These very bytes came before" in again
    assert Batch.objects.count() == 1


def test_an_upload_without_a_file_says_so(operator):
    assert "This field is required" in text_of(operator.post("/admin/demand-archive/upload/", {}))


def test_a_person_with_one_view_sees_no_links_to_what_they_may_not_see():
    archived([b"{"])
    html = text_of(client_of(staff("counter", "demand.view_batch")).get(OVERVIEW))
    assert "Newest error files" not in html
    assert "Newest uploads" not in html
    assert FIND not in html.partition('<div class="fw">')[2]
