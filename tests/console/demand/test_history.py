"""The states that a demand record had, read from the files that hold them. [BR-020]"""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console.demand import history
from datalake.models import LakeFile
from datalake.storage import buckets
from demand.models import CurrentRecord, Snapshot
from tests.console.demand.demand_cases import T, page_of, text_of, unmask
from tests.support.change_events import DEMAND, archived, change

pytestmark = pytest.mark.django_db


def test_br020_a_records_history_marks_what_each_change_changed(operator):
    archived([change(DEMAND, at=T)])
    archived(
        [change(DEMAND, "MODIFY", at=T + 60, eventName="The Long Tour", email="abel@example.com")]
    )
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


def test_br020_states_come_newest_first_in_pages_that_lose_none(operator, monkeypatch):
    monkeypatch.setattr(history, "STATES", 3)
    for number in range(7):
        archived(
            [
                change(
                    DEMAND,
                    "MODIFY",
                    at=T + number // 2,
                    sequence=number + 1,
                    eventName=f"Name {number}",
                )
            ]
        )
    current = CurrentRecord.objects.get()
    address, seen = page_of(current), []
    while address:
        html = text_of(operator.get(address))
        shown = html.partition("<h2>History</h2>")[2]
        fields = [
            part.partition("</table>")[0] for part in shown.split('aria-label="All fields"')[1:]
        ]
        seen += [re.search(r"Name \d", each)[0] for each in fields]
        older = re.search(r'href="(\?before=\d+)" rel="next"', html)
        address = page_of(current) + older[1] if older else ""
    assert seen == [f"Name {number}" for number in range(6, -1, -1)]
    assert html.count("first known") == 1


def test_a_history_opens_each_file_once_and_asks_as_often_for_many_states_as_for_one(
    operator, monkeypatch
):
    opened = []
    read = buckets.DiskBucket.open
    monkeypatch.setattr(
        buckets.DiskBucket, "open", lambda bucket, key: opened.append(key) or read(bucket, key)
    )
    counts = []
    for changes in (1, 12):
        archived(
            [
                change(DEMAND, "MODIFY", at=T, sequence=number, eventName=f"Name {number}")
                for number in range(changes)
            ]
        )
        with CaptureQueriesContext(connection) as asked:
            text_of(operator.get(page_of(CurrentRecord.objects.get())))
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert len(opened) == 1 + 2


@pytest.mark.parametrize("damage", ["gone", "cut", "other", "no catalogue", "large"])
def test_a_state_whose_file_cannot_be_read_says_so_and_the_others_are_shown(
    operator, damage, monkeypatch
):
    archived([change(DEMAND, at=T)])
    archived([change(DEMAND, "MODIFY", at=T + 60, eventName="The Long Tour")])
    file = LakeFile.objects.order_by("pk").first()
    bucket = buckets.campaign_data()
    if damage == "gone":
        bucket.delete(file.key)
    elif damage == "cut":
        bucket.put(file.key, bucket.open(file.key).read()[:-40])
    elif damage == "other":
        Snapshot.objects.filter(file_id=file.pk).update(number=3)
    elif damage == "no catalogue":
        Snapshot.objects.filter(file_id=file.pk).update(file_id=0)
    else:
        LakeFile.objects.filter(pk=file.pk).update(bytes=history.LARGEST_FILE + 1)
    html = text_of(operator.get(page_of(CurrentRecord.objects.get())))
    assert "This state cannot be shown." in html
    assert "the changes are not known" in html
    assert "The Long Tour" in html
