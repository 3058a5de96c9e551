"""What a person may ask of a wave, refused beside its field. [W-1]"""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.utils import timezone

from console.new_wave.form import WaveForm, own_seats
from tests.console.page_cases import form_of
from tests.support.people import keeper
from tests.support.waves import campaign_with
from waves.errors import CapacityBelowGiven, NoActiveScores
from waves.models import Wave

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"date_key": "tomorrow"}, "YYYYMMDD"),
        ({"notify_date": "2026-03-08T02:30"}, "such as 8 Mar 2026, 03:30"),
        ({"notify_date": "2026-11-01T01:30"}, "show twice 1 Nov 2026, 01:30"),
        ({"notify_date": "2026-11-01T10:00:00Z"}, "without a time zone"),
        ({"notify_date": "9999-12-31T23:59"}, "The year 9999 is not allowed"),
        ({"notify_date": "2199-01-01T00:00"}, "Use 2000 to 2198"),
        ({"notify_date": "0001-01-01T00:00"}, "The year 0001 is not allowed"),
        ({"min_score": "1.5"}, "Enter 1 or less."),
    ],
)
def test_a_wave_that_cannot_be_meant_is_refused_beside_its_field(client, values, complaint):
    campaign = campaign_with(fans=3, time_zone="America/New_York")
    html = client.post(
        f"/admin/campaign/{campaign.campaign_id}/waves/new/",
        form_of(campaign, preview="1", **values),
    )
    assert complaint in html.content.decode()
    assert not Wave.objects.exists()


def test_w1_the_date_key_follows_the_notify_date_until_somebody_changes_it(client):
    campaign = campaign_with(fans=3, time_zone="America/New_York")
    address = f"/admin/campaign/{campaign.campaign_id}/waves/new/"
    Wave.objects.create(
        campaign=campaign, date_key="20300120", name="taken", notify_date=timezone.now()
    )
    evening = {"notify_date": "2030-01-20T22:00", "preview": "1"}  # the next day in UTC
    keys = {
        ("", ""): "20300120-2",
        ("20300118", "20300118"): "20300120-2",
        ("20300119", "20300118"): "20300119",
    }
    for (typed, proposed), key in keys.items():
        sent = form_of(campaign, date_key=typed, proposed_key=proposed, **evening)
        form = client.post(address, sent).context["form"]
        assert form["date_key"].value() == key
        assert form["notify_date"].value() == "2030-01-20T22:00"
    sent = form_of(campaign, date_key="20300119", proposed_key="20300119", **evening)
    del sent["preview"]
    client.post(address, sent | {"prepare": "1"})
    assert Wave.objects.filter(date_key="20300119").exists(), "as it was previewed"


def test_the_times_of_a_wave_are_the_campaigns_own(client):
    campaign = campaign_with(fans=3, time_zone="America/New_York")
    client.post(
        f"/admin/campaign/{campaign.campaign_id}/waves/new/",
        form_of(campaign, prepare="1", notify_date="2030-01-20T10:00"),
    )
    page = client.get(f"/admin/campaign/{campaign.campaign_id}/waves/new/").content.decode()
    assert "New York time (America/New_York)" in page
    assert Wave.objects.get().notify_date.isoformat() == "2030-01-20T15:00:00+00:00"


def test_w5_what_is_refused_of_a_market_stands_at_its_field():
    campaign = campaign_with(fans=3)
    sent = QueryDict(mutable=True)
    sent.update(form_of(campaign))
    form = WaveForm(sent, campaign=campaign, by=keeper(), own=own_seats(campaign))
    assert form.is_valid()
    form.refuse(CapacityBelowGiven("5 seats are given", "east"))
    form.refuse(NoActiveScores("no score file"))
    west, east = form.boxes.boxes
    assert east.errors == {"capacity": ["5 seats are given"]}
    assert not west.errors
    assert form.non_field_errors() == ["no score file"]
