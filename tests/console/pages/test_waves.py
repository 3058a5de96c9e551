"""A wave is watched on its page. [W-2]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from operations.models import Job
from tests.console.page_cases import prepared
from tests.support.people import client_of, member_of
from tests.support.waves import NOW
from waves.models import Wave

pytestmark = pytest.mark.django_db


def test_a_scheduled_waves_page_waits_quietly_and_loads_again_when_it_goes_out(client):
    wave = prepared()
    Wave.objects.filter(pk=wave.pk).update(
        state="scheduled",
        approved_digest=wave.content_digest,
        counted_digest=wave.content_digest,
        approved_by=User.objects.create(username="other"),
    )
    assert client.get(f"/admin/wave/{wave.name}/live/", {"state": "scheduled"}).status_code == 204
    Wave.objects.filter(pk=wave.pk).update(state="triggered")
    assert (
        client.get(f"/admin/wave/{wave.name}/live/", {"state": "scheduled"}).headers["HX-Refresh"]
        == "true"
    )


def test_x14_a_waves_page_shows_what_its_second_count_says(client):
    client.force_login(User.objects.create_superuser("approves"))
    wave = prepared()
    page = f"/admin/wave/{wave.name}/"
    html = client.get(page).content.decode()
    assert "second count agrees" in html
    assert "Approve this content" in html
    waiting = {"counted_digest": "", "counted_at": None}
    Wave.objects.filter(pk=wave.pk).update(**waiting)
    html = client.get(page).content.decode()
    assert "The second count is not finished" in html
    assert "Approve this content" not in html
    looks = {"state": "prepared", "uncounted": "yes"}
    assert "HX-Refresh" not in client.get(f"{page}live/", looks).headers
    problems = ["Member 3: the wave has nobody.", "Candidates: <4>"]
    Wave.objects.filter(pk=wave.pk).update(
        differs_digest=wave.content_digest, count_problems=problems, counted_at=NOW
    )
    html = client.get(page).content.decode()
    assert "The second count differs" in html
    assert client.get(f"{page}live/", looks).headers["HX-Refresh"] == "true"
    assert "<li>Member 3: the wave has nobody.</li><li>Candidates: &lt;4&gt;</li>" in html
    assert "Approve this content" not in html
    said = client.post(f"{page}approve/", {"digest": wave.content_digest}, follow=True)
    assert "its second count differs" in said.content.decode()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"state": "queued"}, "It runs automatically."),
        ({"state": "paused"}, "is paused. An operator or an approver must resume it"),
        ({"state": "failed", "retry_at": NOW}, "It is tried again automatically"),
        ({"state": "failed"}, "does not run again automatically. An operator or an approver must"),
    ],
    ids=str,
)
def test_x14_a_waves_page_says_whether_its_second_count_goes_on_by_itself(state, words):
    client = client_of(member_of("approver", name="petra"))
    wave = prepared()
    Wave.objects.filter(pk=wave.pk).update(counted_digest="")
    Job.objects.filter(kind="count_wave").update(error="It broke.", **state)
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert words in html
    assert html.count("It runs automatically") == (state["state"] == "queued")
    needs_person = state["state"] == "paused" or state == {"state": "failed"}
    assert html.count(" above).") == needs_person


def test_x14_an_operator_finds_reset_where_the_second_count_differs():
    operator, wave = client_of(member_of("operator", name="olaf")), prepared()
    page = f"/admin/wave/{wave.name}/"
    assert f"{page}reset/" not in operator.get(page).content.decode()
    Wave.objects.filter(pk=wave.pk).update(
        counted_digest="", differs_digest=wave.content_digest, count_problems=["It differs."]
    )
    html = operator.get(page).content.decode()
    assert "An operator must reset the wave" in html
    assert f"{page}reset/" in html
    operator.post(f"{page}reset/", {"reason": "it differs"})
    wave.refresh_from_db()
    assert wave.state == "configured"
