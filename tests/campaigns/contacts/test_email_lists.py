"""What the lines of the lists may say, and what is refused in them. [S-2, S-4]"""

from __future__ import annotations

import hashlib

import disposable_email_domains
import polars as pl
import pytest

from campaigns.contacts.emails import EmailRules, check_emails
from campaigns.errors import CampaignError, ListEntryInvalid
from tests.campaigns.contacts.email_cases import RULES, reason
from tests.campaigns.contacts.email_samples import BLACKLIST, DISPOSABLE, WHITELIST
from tests.support import few_domains


def test_lists_name_foreign_domains_as_people_write_them():
    assert reason("a@bücher.example", blacklist=["@BÜCHER.example"]) == "blacklisted_domain"
    assert reason("a@xn--bcher-kva.example", blacklist=["a@bücher.example"]) == "blacklisted_email"


def test_comments_blank_lines_and_marks_of_order_are_skipped():
    rules = EmailRules.compile(
        blacklist=[
            "\ufeff# blocked",
            "",
            "  ",
            "\u200b Bad@Example.com\u2060  # since May",
            "#@good.example",
        ],
        whitelist=[],
    )
    assert rules.addresses == {"bad@example.com"}
    assert rules.domains == frozenset()


@pytest.mark.parametrize(
    "line",
    [
        "bad",
        "@",
        "a@b",
        "@bad example",
        "@bad..example",
        "a@b@c.de",
        "a" * 60,
        "@ba?d.example",
        "ü@c.de",
        "*",
        "=?utf-8?q?bad?=@c.de",
        "a@b.2026",
        "@xn--.test",
        "a@xn--a.test",
        f"{'a' * 65}@c.de",
    ],
)
def test_a_line_of_the_blacklist_that_can_match_nothing_is_refused(line):
    with pytest.raises(ListEntryInvalid, match="blacklist, line 2") as refusal:
        EmailRules.compile(blacklist=["# first", line], whitelist=[])
    # somebody's address, perhaps
    assert str(refusal.value) == f"blacklist, line 2 cannot be read: {refusal.value.hint}"
    assert refusal.value.line_number == 2
    assert isinstance(refusal.value, CampaignError)


@pytest.mark.parametrize("line", ["@good.example", "good.example", "a b*@c.de"])
def test_a_line_of_the_whitelist_that_can_match_nothing_is_refused(line):
    with pytest.raises(ListEntryInvalid, match="whitelist, line 1"):
        EmailRules.compile(blacklist=[], whitelist=[line])


def test_a_disposable_line_that_is_no_domain_is_refused():
    with pytest.raises(ListEntryInvalid, match="disposable domains, line 1"):
        EmailRules.compile(blacklist=[], whitelist=[], disposable=["a@b.de"])


def test_s4_every_packaged_disposable_domain_but_the_allowed_ones_is_refused(all_packaged_domains):
    """Other tests make do with a few of them."""
    wanted = few_domains.ALL - set(disposable_email_domains.allowlist)
    assert len(wanted) > 5_000
    rules = EmailRules.compile(blacklist=[], whitelist=[])
    assert rules.disposable == wanted
    found = check_emails(pl.Series([f"fan@{domain}" for domain in sorted(wanted)]), rules)
    well_formed = found.filter(found["email"].is_not_null())
    assert len(well_formed) > len(wanted) * 0.99
    assert set(well_formed["reason"]) == {"disposable_domain"}


def test_rules_come_back_from_their_snapshot():
    """[S-2]"""
    again = EmailRules.from_json(RULES.to_json())
    assert again == RULES
    assert again.digest() == RULES.digest() == hashlib.sha256(RULES.to_json().encode()).hexdigest()


def test_the_digest_depends_on_what_the_lists_say_and_not_on_their_order():
    """[S-2]"""
    turned = EmailRules.compile(
        blacklist=["# other", *BLACKLIST[::-1]], whitelist=WHITELIST[::-1], disposable=DISPOSABLE
    )
    assert turned.digest() == RULES.digest()
    assert (
        EmailRules.compile(
            blacklist=BLACKLIST[1:], whitelist=WHITELIST, disposable=DISPOSABLE
        ).digest()
        != RULES.digest()
    )
