"""The pages of a top-up and of a wave for fans who were not selected. [X-7, X-8]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.support.people import client_of, keeper
from tests.support.waves import NOW, campaign_with, request, sent_out
from waves.models import Wave
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign():
    campaign = campaign_with(12, {"west": 3})
    sent_out(prepare(request(campaign), by=keeper(), now=NOW).wave)
    return campaign


def asked(campaign, page: str, **data: str):
    soon = timezone.now() + timedelta(days=3)
    form = {"notify_date": f"{soon:%Y-%m-%dT%H:%M}", "date_key": "20300102"} | data
    return client_of(keeper()).post(f"/admin/campaign/{campaign.campaign_id}/waves/{page}/", form)


def test_x7_a_top_up_is_previewed_and_prepared_as_it_was_previewed(campaign):
    campaign.markets.update(capacity=5)
    shown = asked(campaign, "top-up", preview="1")
    assert b"By the rules of wave" in shown.content
    assert shown.context["preview"]["selected"] == 2
    digest = shown.context["preview"]["members_digest"]
    sent = asked(campaign, "top-up", prepare="1", members_digest=digest)
    wave = Wave.objects.get(date_key="20300102")
    assert (sent.status_code, wave.previewed_digest) == (302, digest)
    assert wave.tops_up is not None


def test_x7_without_room_the_page_says_so_and_prepares_nothing(campaign):
    shown = asked(campaign, "top-up", prepare="1")
    assert b"There is nothing to top up" in shown.content
    assert not Wave.objects.filter(date_key="20300102").exists()


@pytest.mark.parametrize("page", ["top-up", "not-selected"])
def test_x4_a_preview_waits_its_turn_as_those_of_other_waves_do(campaign, settings, page):
    campaign.markets.update(capacity=5)
    settings.PREVIEWS_AT_ONCE = 0
    shown = asked(campaign, page, preview="1")
    assert b"as many as this machine may do at once" in shown.content
    assert "preview" not in shown.context


def test_x8_the_page_warns_that_top_ups_end(campaign):
    shown = asked(campaign, "not-selected", preview="1")
    assert b"Top-ups end with this wave" in shown.content
    assert shown.context["preview"]["selected"] == 9
    asked(campaign, "not-selected", prepare="1")
    wave = Wave.objects.get(date_key="20300102")
    page = client_of(keeper()).get(
        f"/admin/campaign/{campaign.campaign_id}/waves/not-selected/?again={wave.name}"
    )
    assert page.context["form"].initial["date_key"] == "20300102"
