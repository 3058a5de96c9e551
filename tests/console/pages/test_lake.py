"""What a person does to the lake on the site: replay what was not taken, and merge by hand. [T-1,
L-3]
"""

from __future__ import annotations

import pytest
from django.test import Client
from django_q.models import OrmQ

from datalake.models import DeadLetter, StreamBatch
from datalake.streams import deadletters
from datalake.streams.deadletters import StreamRecord
from operations.models import Job
from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(member_of("operator"))


def dead_letter(position: int = 1, consumer: str = "lake") -> DeadLetter:
    record = {"type": "registration", "globalUserId": f"fan-{position}"}
    deadletters.store(consumer, "input", [StreamRecord(position, 0, "campaignId: missing", record)])
    return DeadLetter.objects.latest("id")


def said(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_a_dead_letter_is_replayed_once_and_the_page_says_so(client):
    letter = dead_letter()
    shown = client.get(f"/admin/datalake/deadletter/{letter.pk}/change/").content.decode()
    assert "Replay this record" in shown
    first = client.post(f"/admin/dead-letters/{letter.pk}/replay/", follow=True)
    second = client.post(f"/admin/dead-letters/{letter.pk}/replay/", follow=True)
    assert "was replayed into stream input" in said(first)[0]
    assert "was already replayed" in said(second)[0]
    assert "Replay this record" not in first.content.decode()
    assert StreamBatch.objects.filter(stream="input").count() == 1


def test_all_that_wait_are_replayed_together_a_record_that_two_consumers_refused_once(client):
    """Otherwise each replay of what cannot be taken would double it."""
    for position in (1, 2):
        for consumer in ("lake", "registrations"):
            dead_letter(position, consumer)
    answer = client.post("/admin/dead-letters/replay/", follow=True)
    assert said(answer)[0].startswith("2 records were replayed")
    assert not DeadLetter.objects.filter(replayed_at=None).exists()
    assert StreamBatch.objects.count() == 2
    assert (
        "There are no dead letters"
        in said(client.post("/admin/dead-letters/replay/", follow=True))[0]
    )


def test_who_may_only_look_is_offered_no_replay_and_no_merge():
    viewer, letter = client_of(member_of("viewer")), dead_letter()
    for page in (
        "/admin/datalake/deadletter/",
        f"/admin/datalake/deadletter/{letter.pk}/change/",
        "/admin/datalake/merge/",
    ):
        html = viewer.get(page).content.decode()
        assert "Replay this" not in html
        assert "Replay all" not in html
        assert "Merge now" not in html
    assert viewer.post(f"/admin/dead-letters/{letter.pk}/replay/").status_code == 403
    assert viewer.post("/admin/lake/merge/").status_code == 403


@pytest.mark.parametrize("period", ["daily", "monthly"])
def test_a_merge_by_hand_is_asked_of_a_worker(client, period, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/admin/lake/merge/", {"period": period}, follow=True)
    assert "A worker is merging every past" in said(answer)[0]
    subject = ("lake", {"daily": "days", "monthly": "months"}[period])
    assert (Job.objects.get().kind, Job.objects.get().subject) == ("merge_lake", subject)
    assert OrmQ.objects.get().task["args"] == (Job.objects.get().pk,)
