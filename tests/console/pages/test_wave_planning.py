"""A wave is previewed, and what was previewed is prepared. [W-1, W-7]"""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from operations.models import Job
from tests.console.page_cases import form_of, said
from tests.support.waves import campaign_with
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
