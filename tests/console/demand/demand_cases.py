"""What the tests of the demand archive's pages share: who looks, and what was archived."""

from __future__ import annotations

from demand.models import CurrentRecord, ErrorFile
from tests.support.change_events import DEMAND, archived, change

FIND, OVERVIEW = "/admin/demand-archive/find/", "/admin/demand-archive/"
HOSTILE = "<script>alert(1)</script>\u202e{{ 7|add:7 }}"
T = 1_790_000_000


def unmask(client):
    client.post("/admin/personal-data/", {"reason": "a fan called", "next": "/admin/"})


def page_of(record: CurrentRecord) -> str:
    return f"/admin/demand-archive/record/{record.pk}/"


def text_of(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def looked_for(client, **asked) -> str:
    return text_of(client.post(FIND, {"reason": "the fan asked", **asked}))


def failed(operator_or_none=None) -> ErrorFile:
    """An error file of three: without its date, twice the same fault, one of them a deletion."""
    broken = {"date": {}}
    archived(
        [
            change(DEMAND, **broken),
            change(DEMAND, "REMOVE", **broken),
            change(DEMAND),
            change(DEMAND, fanId="fan-3", **broken),
        ]
    )
    return ErrorFile.objects.get()
