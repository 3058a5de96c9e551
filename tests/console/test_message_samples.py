"""Samples show what fans will read, with codes and contacts masked. [N-1, O-7]"""

from __future__ import annotations

import pytest

from campaigns.receipts import receipts_of
from console.message_samples import samples_of
from tests.console.page_cases import prepared
from waves.choices import Channel

pytestmark = pytest.mark.django_db


def test_samples_show_what_fans_read_with_codes_masked(client):
    wave = prepared()
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    code = wave.members.order_by("place").first().code
    assert "What fans will read" in html
    assert code not in html
    assert code[:2] + "•" * (len(code) - 2) in html


def test_o5_a_sample_shows_the_link_to_the_entry_to_who_sees_personal_data_only():
    wave = prepared()
    fan = wave.members.exclude(email="").order_by("place").first().global_user_id
    receipts = receipts_of(wave.campaign)
    assert receipts is not None
    for hidden, link in ((False, receipts.of(fan).link), (True, receipts.masked(fan).link)):
        mails = [
            one.body
            for one in samples_of(wave, hidden=hidden)
            if one.channel == Channel.EMAIL.label
        ]
        assert link in mails[0]
        assert (receipts.of(fan).fan_nonce in mails[0]) is not hidden
