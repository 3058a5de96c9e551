"""Operators see what failed, repair and replay it. [BR-014, BR-017, D-4, O-5]"""

from __future__ import annotations

import re

import pytest

from console.demand import error_files
from datalake.storage import buckets
from demand.models import ErrorFile
from tests.console.demand.demand_cases import failed, text_of, unmask
from tests.support.change_events import DEMAND, archived, change

pytestmark = pytest.mark.django_db


# Error files


def test_d4_an_error_files_events_are_hidden_as_a_whole_until_personal_data_is_shown(
    operator, viewer
):
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
    assert ">not JSON<" in html
    assert "caf\\xe9" in html
    assert "anna@example.com" not in html


def test_events_come_in_pages_and_each_is_shown_once(operator, monkeypatch):
    monkeypatch.setattr("console.pages.demand.error_files.EVENTS", 2)
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
    bucket = buckets.campaign_data()
    contents = {"no json": b"{", "deep": b"[" * 200_000, "list": b'["a"]'}
    if damage == "gone":
        bucket.delete(file.key)
    elif damage == "large":
        monkeypatch.setattr(error_files, "LARGEST_FILE", 10)
    else:
        bucket.put(file.key, contents[damage])
    html = text_of(operator.get(f"/admin/demand-archive/error-file/{file.pk}/"))
    assert "fw-next fw-warn" in html
