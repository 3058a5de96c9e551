"""What a consumer could not take is looked at, replayed and settled on the site. [T-1, O-5]"""

from __future__ import annotations

import json

import pytest

from datalake.models import DeadLetter, StreamBatch
from operations.models import Job, StatusChange
from tests.console.page_cases import said
from tests.datalake.dead_letters.letter_rows import a_letter
from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db
REASON = {"reason": "the source is fixed"}


def test_a_dead_letter_is_replayed_once_with_a_reason_and_the_page_says_so(operator):
    letter = a_letter()
    page = f"/admin/dead-letters/{letter.pk}/"
    assert "Replay this record" in operator.get(page).content.decode()
    none = operator.post(f"{page}replay/", {"reason": ""}, follow=True)
    assert said(none) == ["Reason: Enter a value. Nothing was replayed."]
    first = operator.post(f"{page}replay/", REASON, follow=True)
    second = operator.post(f"{page}replay/", REASON, follow=True)
    assert "was replayed into stream input" in said(first)[0]
    assert "was already replayed" in said(second)[0]
    html = first.content.decode()
    assert "Replay this record" not in html
    assert "the source is fixed" in html
    assert StreamBatch.objects.filter(stream="input").count() == 1


def test_a_dead_letter_is_settled_without_a_replay(operator):
    letter = a_letter()
    page = f"/admin/dead-letters/{letter.pk}/settle/"
    answer = operator.post(page, REASON, follow=True)
    assert said(answer) == [f"Record {letter.pk} is settled. It takes no effect."]
    assert "already" in said(operator.post(page, REASON, follow=True))[0]
    assert "Nothing was settled" in said(operator.post(page, follow=True))[0]
    assert not StreamBatch.objects.exists()


def test_a_dead_letter_that_cannot_be_replayed_waits_and_the_page_says_what_to_do(operator):
    letter = a_letter(source="queue:verdict", consumer="verdict-queue")
    answer = operator.post(f"/admin/dead-letters/{letter.pk}/replay/", REASON, follow=True)
    assert "Settle it without a replay." in said(answer)[0]
    assert DeadLetter.objects.waiting().exists()


def test_o5_the_record_is_hidden_until_a_person_asks_to_see_it(operator):
    letter = a_letter(record=json.dumps({"email": "kept.private@fans.example"}))
    page = f"/admin/dead-letters/{letter.pk}/"
    assert "kept.private" not in operator.get(page).content.decode()
    operator.post("/admin/personal-data/", {"reason": "a fan called", "next": page})
    assert "kept.private" in operator.get(page).content.decode()


def test_letters_are_listed_by_filter_and_reason(viewer):
    one = a_letter("campaignId: missing", consumer="lake")
    two = a_letter("date: missing", consumer="registrations")
    html = viewer.get("/admin/dead-letters/").content.decode()
    for part in (f'href="?like={one.pk}"', f'/admin/dead-letters/{two.pk}/"', "registrations"):
        assert part in html
    narrow = viewer.get("/admin/dead-letters/", {"like": two.pk}).content.decode()
    assert f'/admin/dead-letters/{two.pk}/"' in narrow
    assert f'/admin/dead-letters/{one.pk}/"' not in narrow
    assert viewer.get("/admin/datalake/deadletter/").headers["Location"] == "/admin/dead-letters/"


def test_all_letters_of_a_filter_and_those_that_are_ticked_are_asked_of_a_worker(operator):
    one, two = a_letter(), a_letter()
    asked = {"matching": "1", "consumer": "lake", "like": one.pk}
    answer = operator.post("/admin/dead-letters/replay/", asked | REASON)
    job = Job.objects.get()
    assert answer.headers["Location"] == f"/admin/job/{job.pk}/"
    assert (job.kind, job.arguments) == (
        "replay_dead_letters",
        {"asked": {"state": "waiting", "consumer": "lake", "like": one.pk}},
    )
    assert "Replay dead letters" in operator.get("/admin/dead-letters/").content.decode()
    operator.post("/admin/dead-letters/settle/", {"letter": [one.pk, two.pk]} | REASON)
    assert Job.objects.latest("pk").arguments == {"letters": [one.pk, two.pk]}
    assert {change.reason for change in StatusChange.objects.all()} == {"the source is fixed"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (REASON, "Tick at least one dead letter. Nothing was done."),
        ({"letter": "x"} | REASON, "Tick at least one dead letter. Nothing was done."),
        ({"matching": "1"}, "Reason: Enter a value. Nothing was done."),
    ],
)
def test_nothing_is_done_without_letters_or_a_reason(operator, values, sentence):
    a_letter()
    answer = operator.post("/admin/dead-letters/replay/", values, follow=True)
    assert said(answer) == [sentence]
    assert not Job.objects.exists()


def test_a_letter_that_a_job_settled_leads_to_it_and_says_why(viewer, operator):
    letter = a_letter()
    operator.post("/admin/dead-letters/settle/", {"letter": letter.pk} | REASON)
    job = Job.objects.get()
    DeadLetter.objects.update(dropped_at=job.created_at, settled_by_job=job.pk)
    html = viewer.get(f"/admin/dead-letters/{letter.pk}/").content.decode()
    assert f"/admin/job/{job.pk}/" in html
    assert "the source is fixed" in html


def test_who_may_only_look_is_offered_no_replay():
    viewer, letter = client_of(member_of("viewer")), a_letter()
    for page in ("/admin/dead-letters/", f"/admin/dead-letters/{letter.pk}/"):
        html = viewer.get(page).content.decode()
        assert "Replay" not in html.replace("Replayed into", "").replace("Replayed", "")
        assert "Settle " not in html
    for act in (f"{letter.pk}/replay", f"{letter.pk}/settle", "replay", "settle"):
        assert viewer.post(f"/admin/dead-letters/{act}/", REASON).status_code == 403
