"""Addresses: well-formed or not, listed or not, as a plain reading of S-4 has it."""

from __future__ import annotations

import os

import polars as pl
import pytest

from campaigns.contacts.email_lists import EmailRules
from campaigns.contacts.emails import (
    canonical_email,
    check_emails,
    packaged_disposable_domains,
    reasons_by,
)
from tests.campaigns.contacts import plain_emails
from tests.campaigns.contacts.email_cases import RULES, judged, reason
from tests.campaigns.contacts.email_samples import BLACKLIST, DISPOSABLE, WHITELIST, samples

BATCHES = 10 if os.environ.get("FAIRWAVE_FULL") == "1" else 1
BATCH_ROWS = 20_000


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_generated_address_is_judged_as_the_plain_reading_does(batch):
    """[S-4] 20,000 addresses; 200,000 in the full run."""
    written = list(samples(seed=400 + batch, count=BATCH_ROWS))
    disposable = packaged_disposable_domains() | set(DISPOSABLE)
    want = [plain_emails.judge(text, BLACKLIST, WHITELIST, disposable) for text in written]
    found = check_emails(pl.Series(written, dtype=pl.String), RULES)
    assert [
        row for row in zip(written, found.iter_rows(), want, strict=True) if row[1] != row[2]
    ] == []
    assert {row[2] for row in want} == {
        None,
        "blacklisted_email",
        "blacklisted_domain",
        "disposable_domain",
    }
    emails = found["email"].drop_nulls()
    assert emails.len() > BATCH_ROWS // 3
    assert canonical_email(emails).to_list() == [plain_emails.canonical(email) for email in emails]


def test_s8_by_several_lists_an_address_is_judged_as_by_each_alone():
    written = pl.Series(list(samples(seed=399, count=2_000)), dtype=pl.String)
    other = EmailRules.compile(blacklist=["@gmail.com"], whitelist=[])
    found = [reason.to_list() for reason in reasons_by(written, RULES, other)]
    assert found == [check_emails(written, rules)["reason"].to_list() for rules in (RULES, other)]
    assert found[0] != found[1]


def test_an_address_is_trimmed_and_lower_cased():
    assert judged("\u00a0 Anna.Bell@Example.COM\t") == ("anna.bell@example.com", None, None)


@pytest.mark.parametrize("written", [None, "", " ", "\u3000"])
def test_nothing_written_is_missing(written):
    assert judged(written) == (None, "missing_email", None)


@pytest.mark.parametrize(
    "written",
    [
        *("anna", "a@b@c.de", "a@localhost"),
        *("a..b@c.de", ".a@c.de", "a.@c.de", "a b@c.de", "ü@c.de"),
        *("a@-c.de", "a@c-.de", "a@c..de", "a@c_d.de", "a@127.0.0.1", "a@b.2026"),
    ],
)
def test_a_malformed_address_is_dropped_with_a_tag(written):
    assert judged(written) == (None, "invalid_email", None)


@pytest.mark.parametrize(
    "local",
    ["=?utf-8?q?bad?=", "=?utf-8?q??=", "=?us-ascii?q?cl=65o?=", "x=?a?b?c?=.y", "=?a?b?c?d?="],
)
def test_s4_an_encoded_word_in_an_address_makes_it_invalid(local):
    """A mail program reads another address into it than the lists were asked about."""
    assert judged(f"{local}@example.com") == (None, "invalid_email", None)


@pytest.mark.parametrize("label", ["xn--", "xn--a", "xn--99999999999", "xn--abc-"])
def test_s4_an_a_label_that_decodes_to_nothing_is_invalid(label):
    for domain in (f"{label}.test", f"mail.{label}.test", f"mail.{label}"):
        assert judged(f"a@{domain}") == (None, "invalid_email", None)


def test_s4_other_labels_beside_an_a_label_stay_as_they_are():
    assert judged("a@r2--x.xn--bcher-kva.test")[0] == "a@r2--x.xn--bcher-kva.test"
    assert judged("xn--@example.com")[0] == "xn--@example.com"


def test_s2_zero_width_characters_around_an_address_are_no_part_of_it():
    assert judged("\u200b\ufeffAnna@example.com\u2060")[0] == "anna@example.com"
    assert judged("\u200b") == (None, "missing_email", None)


def test_lengths_are_those_of_the_rule():
    assert judged("a" * 64 + "@example.com")[1] is None
    assert judged("a" * 65 + "@example.com")[1] == "invalid_email"
    assert judged("a@" + "b" * 63 + ".com")[1] is None
    assert judged("a@" + "b" * 64 + ".com")[1] == "invalid_email"
    assert judged("a@" + ".".join(["b" * 49] * 5) + ".cd")[1] is None
    assert judged("a@" + ".".join(["b" * 49] * 5) + ".cde")[1] == "invalid_email"


def test_a_domain_is_stored_in_its_idna_form():
    assert judged("Anna@BÜCHER.example")[0] == "anna@xn--bcher-kva.example"
    assert judged("anna@ｇｍａｉｌ.com")[0] == "anna@gmail.com"


def test_a_letter_that_becomes_ascii_when_lower_cased_is_ascii():
    assert judged("\u212aelvin@example.com")[0] == "kelvin@example.com"


def test_a_domain_is_refused_with_all_below_it_but_not_its_namesakes():
    for written in ("a@bad.example", "a@very.bad.example"):
        assert reason(written, blacklist=["@bad.example"]) == "blacklisted_domain"
    assert reason("a@notbad.example", blacklist=["@bad.example"]) is None


def test_in_patterns_only_the_star_is_special():
    assert reason("a@x.spam.example", blacklist=["@*.spam.example"]) == "blacklisted_domain"
    assert reason("a@spam.example", blacklist=["@*.spam.example"]) is None
    assert reason("a@xyspam.example", blacklist=["@*.spam.example"]) is None
    assert (
        reason("vip.1@bad.example", blacklist=["@bad.example"], whitelist=["vip?1@bad.example"])
        == "blacklisted_domain"
    )


def test_the_whitelist_beats_every_list():
    assert reason("a@mailinator.com", whitelist=["a@mailinator.com"]) is None
    assert (
        reason(
            "vip7@bad.example",
            blacklist=["vip7@bad.example", "@bad.example"],
            whitelist=["VIP*@bad.example"],
        )
        is None
    )


def test_a_whitelist_pattern_matches_the_whole_address():
    assert (
        reason(
            "notvip@bad.example",
            blacklist=["@bad.example"],
            whitelist=["vip@bad.example", "vip*@bad"],
        )
        == "blacklisted_domain"
    )


def test_the_address_is_asked_before_the_domain_and_the_domain_before_disposable():
    assert (
        reason("a@mailinator.com", blacklist=["a@mailinator.com", "@mailinator.com"])
        == "blacklisted_email"
    )
    assert (
        reason("b@mailinator.com", blacklist=["a@mailinator.com", "@mailinator.com"])
        == "blacklisted_domain"
    )
    assert reason("b@mailinator.com") == "disposable_domain"


def test_a_disposable_domain_of_the_campaign_counts_with_all_below_it():
    assert reason("a@mx.throw.example", disposable=["@Throw.example"]) == "disposable_domain"


def test_gmail_dots_and_everybodys_tag_do_not_make_another_address():
    """[S-6]"""
    emails = pl.Series(
        [
            "a.n.na+x@gmail.com",
            "a.nna@googlemail.com",
            "a.nna+y@mail.googlemail.com",
            "a.nna+x+y@example.com",
            "+x@example.com",
            None,
        ]
    )
    assert canonical_email(emails).to_list() == [
        "anna@gmail.com",
        "anna@gmail.com",
        "a.nna@mail.googlemail.com",
        "a.nna@example.com",
        "+x@example.com",
        None,
    ]


def test_columns_keep_length_and_order():
    written = pl.Series(["b@x.de", None, "ü@x.de", "a@bücher.de", "b@x.de"])
    found = check_emails(written, RULES)
    assert found.columns == ["email", "tag", "reason"]
    assert found["email"].to_list() == ["b@x.de", None, None, "a@xn--bcher-kva.de", "b@x.de"]
    assert check_emails(pl.Series([], dtype=pl.String), RULES).height == 0
