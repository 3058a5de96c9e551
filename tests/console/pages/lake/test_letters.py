"""What a consumer could not take is replayed on the site. [T-1]"""

from __future__ import annotations

import pytest
from django.test import Client

from datalake.models import DeadLetter, StreamBatch
from datalake.streams import deadletters
from datalake.streams.deadletters import StreamRecord
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


def test_who_may_only_look_is_offered_no_replay():
    viewer, letter = client_of(member_of("viewer")), dead_letter()
    for page in (
        "/admin/datalake/deadletter/",
        f"/admin/datalake/deadletter/{letter.pk}/change/",
    ):
        html = viewer.get(page).content.decode()
        assert "Replay this" not in html
        assert "Replay all" not in html
    assert viewer.post(f"/admin/dead-letters/{letter.pk}/replay/").status_code == 403
