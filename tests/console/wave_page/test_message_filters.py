"""Which messages an address asks for. [N-7]"""

from __future__ import annotations

import pytest
from django.http import QueryDict

from console.wave_page.message_filters import MessageFilterForm
from console.wave_page.messages import Filters
from tests.support.sending import triggered_wave

pytestmark = pytest.mark.django_db


def form_of(query: str) -> MessageFilterForm:
    wave = triggered_wave(1)
    markets = list(wave.wave_markets.select_related("market"))
    return MessageFilterForm(QueryDict(query), markets=markets, reasons=["http_400"])


def test_a_market_is_named_by_its_id_and_reasons_are_in_words():
    form = form_of("market=us-west&reason=http_400&state=failed&channel=sms")
    assert form.is_valid()
    assert form.wanted().market == form._markets["us-west"]
    assert ("http_400", "Rejected by the provider (HTTP 400)") in form.fields["reason"].choices
    assert form.kept()["market"] == "us-west"


def test_what_the_wave_does_not_have_is_ignored():
    form = form_of("market=nowhere&reason=x&state=sent&channel=pigeon")
    assert not form.is_valid()
    assert form.wanted() == Filters(state="sent")
