"""Presales as far as a page needs them, and what a page says."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign
from tests.support.campaigns import make_campaign
from tests.support.database import kept
from tests.support.waves import KEY, NOTIFY, NOW, approve
from waves import schedule
from waves.models import Wave
from waves.sending import triggering

HEADER = "id\ttmemail\tsms\tglobal_user_id\tmember_id\traw_local_fanscore\tcountry_code"


SCORES = f"{HEADER}\n1\ta@example.com\t2065550100\tu1\tm1\t0.97\tUS\n2\tb@example.com\t2065550101\tu2\tm2\t0.10\tUS\n"


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def prepared(client: Client | None = None) -> Wave:
    return kept.cleared_wave()


def a_draft(*markets: str) -> Campaign:
    named = {"entropy_source": "drand round 99551234"}
    return make_campaign("drafted", markets=markets, opened=False, **named)


def form_of(campaign: Campaign, **values: Any) -> dict[str, Any]:
    """The form of a new wave, with all markets checked and nothing of its own in them."""
    soon = timezone.now() + timezone.timedelta(days=3)
    checked = {f"market-{each.market_id}-chosen": "on" for each in campaign.markets.all()}
    return {
        "date_key": KEY,
        "notify_date": f"{soon:%Y-%m-%dT%H:%M}",
        "order": "by_preference",
        **checked,
        **values,
    }


def sending_wave() -> Wave:
    wave = prepared()
    other = User.objects.create(username="approver")
    approve(wave, by=other, digest=wave.content_digest, now=NOW)
    schedule.schedule(wave, by=other, now=NOW)
    triggering.trigger(wave, by=other, now=NOTIFY)
    return wave
