"""A wave is previewed, prepared and watched on its pages. [W-1, W-2]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from operations.models import Job
from tests.console.page_cases import form_of, prepared, said
from tests.support.people import client_of, member_of
from tests.support.waves import NOW, campaign_with
from waves.models import Wave

pytestmark = pytest.mark.django_db


def test_a_preview_writes_nothing_and_a_preparation_is_asked_for_with_the_same_form(client):
    campaign = campaign_with(fans=30)
    address = f"/admin/campaign/{campaign.campaign_id}/waves/new/"
    preview = client.post(address, form_of(campaign, preview="1"))
    assert preview.context["preview"]["selected"] == 10
    assert not Wave.objects.exists()
    answer = client.post(address, form_of(campaign, prepare="1", members_digest="x"), follow=True)
    wave = Wave.objects.get()
    assert wave.previewed_digest == "x"
    assert answer.redirect_chain == [(f"/admin/wave/{wave.name}/", 302)]
    assert Job.objects.get().subject == ("wave", wave.name)


def test_a_preview_says_at_once_that_less_than_a_day_is_left(client):
    campaign = campaign_with(fans=30)
    address = f"/admin/campaign/{campaign.campaign_id}/waves/new/"
    soon = f"{timezone.now():%Y-%m-%dT%H:%M}"
    values = form_of(campaign, preview="1", notify_date=soon) | {"expedite": ""}
    said = "or enter a reason for short notice."
    assert said in client.post(address, values).content.decode()
    excused = client.post(address, values | {"expedite": "the band asks"})
    assert said not in excused.content.decode()


def test_a_reason_counts_for_nothing_from_who_may_not_give_one(operator):
    """Nor does it stop them, whatever it is: the form has no such field to show an error at."""
    campaign = campaign_with(fans=3)
    address = f"/admin/campaign/{campaign.campaign_id}/waves/new/"
    values = form_of(campaign, preview="1") | {"expedite": "x" * 3_000}
    assert operator.post(address, values).context["preview"]
    soon = {"notify_date": f"{timezone.now():%Y-%m-%dT%H:%M}", "prepare": "1"}
    answer = operator.post(address, form_of(campaign, **soon) | {"expedite": "the band asks"})
    assert "does not have permission to expedite it" in said(answer)[0]
    assert not Wave.objects.exists()


def test_an_unknown_market_in_the_markets_file_is_a_message(client):
    campaign = campaign_with(fans=3)
    text = "marketId,marketName,capacity,selectionTime\nnowhere,Nowhere,5,2026-01-01T00:00:00Z\n"
    file = SimpleUploadedFile("markets.csv", text.encode())
    answer = client.post(
        f"/admin/campaign/{campaign.campaign_id}/waves/new/",
        form_of(campaign, preview="1", markets_file=file),
    )
    assert "nowhere" in said(answer)[0]
    assert text.strip() in answer.content.decode(), (
        "what was read from the file stands in the form for the next try"
    )


def test_a_failed_wave_is_prepared_again_from_its_own_form(client):
    campaign = campaign_with(fans=3, time_zone="America/New_York")
    address = f"/admin/campaign/{campaign.campaign_id}/waves/new/"
    client.post(
        address,
        form_of(
            campaign,
            prepare="1",
            notify_date="2030-01-20T10:00",
            min_score="0.5",
            reason="a small hall",
        ),
    )
    wave = Wave.objects.get()
    Wave.objects.update(state="failed", error="no codes left")
    Job.objects.all().delete()
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "no codes left" in html
    assert f"{address}?again={wave.name}" in html
    form = client.get(address, {"again": wave.name}).context["form"]
    assert form["notify_date"].value() == "2030-01-20T10:00"
    assert form["min_score"].value() == 0.5


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
