"""Where anybody can have a mailbox. [X-13]"""

from __future__ import annotations

import pytest

from campaigns.fairness.suspicious.mail_providers import is_provider


@pytest.mark.parametrize(
    "domain", ["gmail.com", "hotmail.co.uk", "yahoo.com.br", "gmx.de", "qq.com"]
)
def test_x13_a_provider_is_known_under_each_of_its_endings(domain):
    assert is_provider(domain)


@pytest.mark.parametrize(
    "domain", ["gmail.com.example", "myyahoo.com", "hotmail.a.b.c", "own.example"]
)
def test_x13_what_only_looks_like_a_provider_is_none(domain):
    assert not is_provider(domain)
