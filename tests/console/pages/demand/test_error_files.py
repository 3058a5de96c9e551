"""Failed change events are shown, repaired and replayed. [BR-014, O-5]"""

from __future__ import annotations

import re

import pytest

from datalake.storage import buckets
from demand.models import Batch, CurrentRecord, ErrorFile
from tests.console.demand.demand_cases import OVERVIEW, failed, text_of, unmask
from tests.support.change_events import DEMAND, archived, change

pytestmark = pytest.mark.django_db


def test_what_only_a_repair_brings_back_is_not_offered_to_be_replayed_as_it_is(operator):
    archived([b"{", change(DEMAND, date={})])
    offered = {
        file.error_type: "Replay unchanged"
        in text_of(operator.get(f"/admin/demand-archive/error-file/{file.pk}/"))
        for file in ErrorFile.objects.all()
    }
    assert offered == {"not_json": False, "invalid_date": True}
    torn = ErrorFile.objects.get(error_type="not_json")
    address = f"/admin/demand-archive/error-file/{torn.pk}/replay/"
    assert "repair" in text_of(
        operator.post(address, {"reason": "perhaps it works now"}, follow=True)
    )
    assert not Batch.objects.filter(source__startswith="replay:").exists()


def test_a_bucket_that_is_away_is_said_so_and_the_replay_goes_on_when_asked_again(
    operator, monkeypatch
):
    file = failed()
    address = f"/admin/demand-archive/error-file/{file.pk}/repair/"
    given = {"events": change(DEMAND, fanId="fan-3").decode(), "reason": "the date was added"}
    with monkeypatch.context() as away:
        away.setattr(
            buckets.DiskBucket, "put", lambda *args: (_ for _ in ()).throw(OSError("no space"))
        )
        html = text_of(operator.post(address, given))
    assert "The bucket could not be reached" in html
    assert "fan-3" in html
    assert not CurrentRecord.objects.filter(fan_id="fan-3").exists()
    assert "1 archived" in text_of(operator.post(address, given, follow=True))
    assert Batch.objects.filter(source__startswith="replay:").count() == 1


def test_br014_events_are_replayed_as_they_are_for_a_reason(operator):
    file = failed()
    address = f"/admin/demand-archive/error-file/{file.pk}/"
    refused = operator.post(f"{address}replay/", {"reason": ""}, follow=True)
    assert "Nothing was replayed" in text_of(refused)
    assert not Batch.objects.filter(source__startswith="replay:").exists()
    html = text_of(
        operator.post(f"{address}replay/", {"reason": "the archive was mended"}, follow=True)
    )
    batch = Batch.objects.get(source__startswith="replay:")
    assert (
        f"Replayed: {batch.events} in = {batch.archived} archived + {batch.errors} errors." in html
    )
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
    text = text_of(
        operator.post(
            address, {"events": f"\r\n{repaired}\r\n", "reason": "the date was added"}, follow=True
        )
    )
    assert "Replayed: 1 in = 1 archived + 0 errors." in text
    assert CurrentRecord.objects.filter(fan_id="fan-3").exists()


def test_the_box_of_repairs_is_empty_while_personal_data_is_hidden(operator):
    file = failed()
    html = text_of(operator.get(f"/admin/demand-archive/error-file/{file.pk}/repair/"))
    assert "fan-3" not in html
    assert "paste repaired events here" in html


def test_a_refused_repair_keeps_what_was_typed(operator):
    file = failed()
    address = f"/admin/demand-archive/error-file/{file.pk}/repair/"
    for given in (
        {"events": "{typed", "reason": ""},
        {"events": "\n".join(["{typed"] * 1_001), "reason": "a good reason"},
    ):
        html = text_of(operator.post(address, given))
        assert "{typed" in html
        assert "errorlist" in html
    assert not Batch.objects.filter(source__startswith="replay:").exists()


def test_o5_who_may_only_look_neither_replays_nor_uploads(viewer):
    file = failed()
    html = text_of(viewer.get(f"/admin/demand-archive/error-file/{file.pk}/"))
    assert "Replay" not in html
    assert (
        viewer.post(
            f"/admin/demand-archive/error-file/{file.pk}/replay/", {"reason": "because of it"}
        ).status_code
        == 403
    )
    assert viewer.get(f"/admin/demand-archive/error-file/{file.pk}/repair/").status_code == 403
    assert viewer.get("/admin/demand-archive/upload/").status_code == 403
    assert "Upload change events" not in text_of(viewer.get(OVERVIEW))
