"""The config of an uploaded wave. [W-3, K-2]"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tests.support.waves import NOTIFY, NOW
from tests.waves.uploads.lists import config_of
from waves.errors import BadWaveConfig
from waves.uploads.config import MOST_BYTES, read_config, require_usable

CAMPAIGN = SimpleNamespace(campaign_id="12345")


def read(**values):
    return read_config(json.dumps(config_of(CAMPAIGN, **values)).encode())


def test_w3_a_config_is_read_with_its_options_as_they_came():
    options = {"allowIntlPhones": True, "anything": {"of": ["yours"]}}
    found = read(categoryId="C1", options=options, genCodes=True)
    assert (found.campaign_id, found.category_id, found.notify_date) == ("12345", "C1", NOTIFY)
    assert (found.options, found.generate_offer_code) == (options, True)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"productId": None}, "is missing key 'productId'"),
        ({"source": None, "notifyDate": None}, "is missing keys 'notifyDate', 'source'"),
        ({"colour": 1}, "has the unknown key 'colour'"),
        ({"notifyDate": "2026-01-21T18:00:00"}, "notifyDate: .* no time zone offset"),
        ({"notifyDate": "tomorrow"}, "notifyDate: .* not an ISO 8601"),
        ({"notifyDate": "2250-01-21T18:00:00Z"}, "notifyDate: the year 2250"),
        ({"beginDate": "2026-01-20T18:00:00"}, "beginDate: .* no time zone offset"),
        ({"generateOfferCode": "yes"}, "generateOfferCode: write true or false"),
        ({"options": []}, "options: write an object"),
        ({"options": {"allowIntlPhones": "no"}}, "options.allowIntlPhones: write true or false"),
        ({"source": "x" * 81}, "source: the text has 81 characters"),
        ({"campaignId": 5}, "campaignId: write a text"),
    ],
)
def test_w3_a_bad_value_is_refused_with_its_key(values, sentence):
    with pytest.raises(BadWaveConfig, match=sentence):
        read(**values)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'"\xff"', b"[" * 5000, b" " * (MOST_BYTES + 1)]
)
def test_what_is_no_config_is_refused(content):
    with pytest.raises(BadWaveConfig):
        read_config(content)


def test_w3_a_notify_date_that_has_passed_is_refused():
    require_usable(read(), time_zone="UTC", now=NOTIFY - timedelta(seconds=1))
    with pytest.raises(BadWaveConfig, match=r"notifyDate: .* has passed"):
        require_usable(read(), time_zone="UTC", now=NOTIFY)


def test_k2_the_dates_of_validity_must_be_those_of_the_rule():
    right = {"beginDate": "2026-01-20T19:00:00+01:00", "endDate": "2027-01-21T18:00:00Z"}
    require_usable(read(**right), time_zone="America/New_York", now=NOW)
    for key in right:
        wrong = read(**(right | {key: datetime(2026, 6, 1, tzinfo=UTC).isoformat()}))
        with pytest.raises(BadWaveConfig, match=f"{key}: .* is not what follows"):
            require_usable(wrong, time_zone="America/New_York", now=NOW)
