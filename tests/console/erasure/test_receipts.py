"""The receipt of an erasure: who, why, every place, and what was not reached; never the fan's id.
[X-11]
"""

from __future__ import annotations

import io
import json
from contextlib import suppress

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from console.erasure.erase import CannotBeErased
from console.models import ErasedPlace, Erasure
from datalake.erased.fans import digest_of
from datalake.models import LakeFile
from datalake.storage import buckets
from demand.erasure import erasing
from demand.errors import CannotErase
from demand.models import CurrentRecord
from demand.selected_events.saving import FanEvents, save_events
from operations.choices import JobState
from operations.models import Alert, Job, StatusChange
from tests.console.erasure.erasure_cases import erase_fan, objects_with
from tests.support.change_events import DEMAND, archived, change
from tests.support.people import client_of, member_of, staff

pytestmark = pytest.mark.django_db

FAN = "fan-4f9c1e"
CONTACT = {"phoneNumber": "+12025550177", "email": "canary@example.com"}
MINE = change(DEMAND, fanId=FAN, **CONTACT)
BAD = change(DEMAND, fanId=FAN, date={"requested": "never"}, **CONTACT)


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(erasing, "PATIENCE_SECONDS", 0)


@pytest.fixture
def eraser() -> User:
    return staff("eraser", "console.erase_fan", "console.view_erasure")


def run(*arguments: str) -> dict:
    out = io.StringIO()
    with suppress(SystemExit):
        call_command("erase_fan", *arguments, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue().splitlines()[-1])


def whole_database_says() -> str:
    """Every row of every table that a person, a job or a log of ours could read, as text."""
    with connection.cursor() as cursor:
        tables = [
            table
            for table in connection.introspection.table_names(cursor)
            if not table.startswith("django_")
        ]
        texts = []
        for table in tables:
            cursor.execute(
                f"SELECT coalesce(string_agg(row_to_json(t)::text, chr(10)), '') FROM \"{table}\" t"
            )
            texts.append(cursor.fetchone()[0])
    return "\n".join(texts)


@pytest.mark.django_db(transaction=True)
def test_x11_the_receipt_lists_every_place_and_nothing_names_the_fan_any_more(eraser, caplog):
    archived([MINE, change(DEMAND, fanId="fan-2"), BAD])
    save_events([FanEvents(FAN, "1", ["E1"])])
    file, errors = LakeFile.objects.get().key, next(buckets.campaign_data().list("demand/errors/"))
    result = run(FAN, "--by", "eraser", "--reason", "asked by letter")
    assert [(place["what"], place["name"], place["count"]) for place in result["places"]] == [
        ("table", "selected events", 1),
        ("table", "current records", 1),
        ("file", file, 1),
        ("table", "snapshots", 1),
        ("error file", errors, 1),
    ]
    receipt = Erasure.objects.get(pk=result["receipt"])
    assert (receipt.by, receipt.reason) == (eraser, "asked by letter")
    assert receipt.fan_digest == digest_of(FAN)
    assert receipt.until.isoformat() == result["until"]
    assert receipt.begun_at <= receipt.until <= receipt.finished_at
    assert FAN not in whole_database_says() + json.dumps(result) + caplog.text
    assert Job.objects.get().state == JobState.DONE
    recorded = StatusChange.objects.get(subject_kind="erasure", subject_id=str(receipt.pk))
    assert (recorded.by, recorded.reason) == (eraser, "asked by letter")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((FAN, "--by", "nobody", "--reason", "asked"), "no active user 'nobody'"),
        ((FAN, "--by", "clerk", "--reason", "asked"), "clerk does not have permission"),
        ((FAN, "--by", "eraser", "--reason", "  "), "A reason is required"),
        ((FAN, "--by", "eraser", "--reason", f"{FAN} wrote"), "remove the id"),
        ((" ", "--by", "eraser", "--reason", "asked"), "This is not a fan id"),
    ],
)
def test_x11_who_may_not_or_gives_no_reason_is_refused_before_anything_is_touched(
    arguments, why, eraser
):
    member_of("operator").__class__.objects.filter(username="operator-person").update(
        username="clerk"
    )
    archived([MINE])
    result = run(*arguments)
    assert why in result["error"]
    assert FAN not in result["error"]
    assert CurrentRecord.objects.exists()
    assert not Erasure.objects.exists()


def test_x11_only_administrators_have_the_right(eraser):
    for role in ("viewer", "operator", "approver", "analyst"):
        assert not member_of(role).has_perm("console.erase_fan"), role
    assert member_of("administrator").has_perm("console.erase_fan")


def test_x11_the_id_can_come_on_standard_input(eraser, monkeypatch):
    archived([MINE])
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{FAN}\n"))
    assert len(run("-", "--by", "eraser", "--reason", "asked")["places"]) == 3
    assert not CurrentRecord.objects.exists()


@pytest.mark.parametrize("folder", ["demand/data/", "demand/errors/"])
def test_x11_an_erasure_that_was_interrupted_leaves_an_open_receipt_and_the_next_one_completes_it(
    eraser, monkeypatch, folder
):
    archived([MINE, BAD])
    copy = buckets.DiskBucket.copy

    def down(bucket: buckets.DiskBucket, key: str, to: str) -> None:
        if to.startswith(folder):
            raise OSError("disk away")
        copy(bucket, key, to)

    with monkeypatch.context() as patched:
        patched.setattr(buckets.DiskBucket, "copy", down)
        result = run(FAN, "--by", "eraser", "--reason", "asked")
    assert "bucket returned an error" in result["error"]
    (receipt,) = Erasure.objects.all()
    assert receipt.finished_at is None
    assert run(FAN, "--by", "eraser", "--reason", "again")["receipt"] == receipt.pk
    receipt.refresh_from_db()
    assert receipt.finished_at
    assert receipt.reason == "asked"
    assert list(receipt.places.values_list("what", "count").order_by("what", "name")) == [
        ("error file", 1),
        ("file", 1),
        ("table", 1),
        ("table", 1),
    ]
    assert list(StatusChange.objects.order_by("pk").values_list("reason", flat=True)) == [
        "asked",
        "again",
    ]


def test_x11_a_damaged_file_keeps_the_receipt_open(eraser):
    archived([MINE])
    buckets.campaign_data().put(LakeFile.objects.get().key, b"nothing")
    with pytest.raises(CannotErase, match="could not be erased from"):
        erase_fan(FAN, by=eraser, reason="asked")
    assert Erasure.objects.get().finished_at is None


def test_x11_the_same_events_again_do_not_come_back_and_what_the_fan_does_later_is_new(eraser):
    old, later = ({"at": seconds} for seconds in (1_600_000_000, 7_200_000_000))
    archived([change(DEMAND, fanId=FAN, **CONTACT, **old)])
    first = run(FAN, "--by", "eraser", "--reason", "asked")
    again = archived([change(DEMAND, fanId=FAN, **CONTACT, **old), change(DEMAND, fanId="fan-2")])
    assert (again.archived, again.error_counts) == (1, {"erased": 1})
    assert not CurrentRecord.objects.filter(fan_id=FAN).exists()
    assert objects_with([FAN, *CONTACT.values()]) == set()
    assert not Alert.objects.filter(text__contains="could not be archived").exists()
    assert archived([change(DEMAND, fanId=FAN, **CONTACT, **later)]).archived == 1
    second = run(FAN, "--by", "eraser", "--reason", "asked again")
    assert second["receipt"] != first["receipt"]
    assert len(second["places"]) == 3
    assert second["until"] > first["until"]


def test_x11_a_finished_receipt_is_never_altered(eraser):
    archived([MINE])
    receipt = erase_fan(FAN, by=eraser, reason="asked")
    alterations = [
        lambda: Erasure.objects.filter(pk=receipt.pk).update(reason="none"),
        lambda: ErasedPlace.objects.filter(erasure=receipt).update(count=0),
        lambda: ErasedPlace.objects.create(
            erasure=receipt, area="a", what="file", name="n", count=1
        ),
        lambda: ErasedPlace.objects.filter(erasure=receipt)._raw_delete("default"),
        lambda: Erasure.objects.filter(pk=receipt.pk)._raw_delete("default"),
    ]
    for alter in alterations:
        with pytest.raises(IntegrityError), transaction.atomic():
            alter()


def test_x11_receipts_are_listed_and_read_and_nobody_changes_them(eraser):
    archived([MINE, BAD])
    receipt = erase_fan(FAN, by=eraser, reason="asked by letter")
    client = client_of(eraser)
    with CaptureQueriesContext(connection) as asked:
        page = client.get("/admin/console/erasure/").content.decode()
    assert "asked by letter" in page
    assert not [query for query in asked if "count(" in query["sql"].lower()]
    page = client.get(f"/admin/console/erasure/{receipt.pk}/change/").content.decode()
    assert LakeFile.objects.get().key in page
    assert "backups (they end with their own retention" in page
    assert FAN not in page
    assert (
        client.post(f"/admin/console/erasure/{receipt.pk}/change/", {"reason": "x"}).status_code
        == 403
    )
    assert client.get("/admin/console/erasure/add/").status_code == 403
    assert client_of(staff("other")).get("/admin/console/erasure/").status_code == 403


def test_x11_without_the_right_nothing_is_begun_from_code_either():
    with pytest.raises(CannotBeErased):
        erase_fan(FAN, by=staff("somebody"), reason="asked")
    assert not Erasure.objects.exists()
