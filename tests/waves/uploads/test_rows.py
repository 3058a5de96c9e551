"""Each row has the first reason that applies. [W-3, S-4 … S-6]"""

from __future__ import annotations

import polars as pl

from campaigns.contacts.emails import EmailRules
from campaigns.scoring.outcomes import Rules
from waves.choices import RowReason
from waves.uploads.rows import FACTS, judge_rows, rules_for

NO_LISTS = EmailRules.compile(blacklist=[], whitelist=[], disposable=[])
RULES = Rules(NO_LISTS, ("US",), False, False, 0.22, 0)
KNOWN = {
    "registered": True,
    "known_phone": "",
    "confirmed": False,
    "in_wave": False,
    "holds_code": False,
    "standing": "",
    "email_suppressed": False,
    "phone_suppressed": False,
}


def judged(*rows, rules=RULES, rooms=None, **facts):
    """Outcomes of rows; a row is its fields that differ."""
    usual = {"member_id": "", "market_id": "west", "email": "a@b.example", "phone": "", "code": ""}
    lines = [
        {"line": at, "global_user_id": f"fan-{at}"} | usual | row for at, row in enumerate(rows, 2)
    ]
    known = [{"line": line["line"]} | KNOWN | facts for line in lines]
    return judge_rows(
        pl.DataFrame(lines),
        pl.DataFrame(known, schema=dict(FACTS)),
        rules,
        rooms or {"west": 9, "east": 9},
    )


def reasons(*rows, **options):
    return judged(*rows, **options)["reason"].to_list()


def test_w3_a_second_row_of_a_fan_or_of_a_code_is_a_duplicate_whatever_became_of_the_first():
    rows = [
        {"global_user_id": "x", "market_id": "north"},
        {"global_user_id": "x"},
        {"code": "ab", "email": ""},
        {"code": "AB"},
        {"code": "TM"},
        {"code": "tm"},
    ]
    north, none = RowReason.UNKNOWN_MARKET, RowReason.NO_CONTACT
    assert reasons(*rows) == [north, "duplicate", none, "duplicate", None, None]


def test_w3_the_facts_decide_in_the_order_of_the_rule():
    for name, value, reason in (
        ("registered", False, "unknown_fan"),
        ("in_wave", True, "already_in_wave"),
        ("holds_code", True, "holds_code"),
        ("standing", "other_campaign", "code_of_another_campaign"),
        ("standing", "other_market", "code_of_another_market"),
        ("standing", "taken", "code_taken"),
        ("standing", "free", None),
    ):
        assert reasons({}, **{name: value}) == [reason]
    assert reasons({}, registered=False, in_wave=True, standing="taken") == ["unknown_fan"]
    assert reasons({"code": "x" * 65}, standing="taken") == ["invalid_code"]


def test_w3_s5_phones_are_read_by_the_first_home_country_and_the_waves_own_option_counts():
    row = {"phone": "(206) 555-0100", "email": ""}
    assert judged(row)["phone"].to_list() == ["+12065550100"]
    abroad = {"phone": "+447400123456"}
    assert reasons(abroad) == ["intl_phone"]
    assert reasons(abroad, rules=rules_for(RULES, {"allowIntlPhones": True})) == [None]
    assert reasons(abroad, rules=rules_for(RULES, {"other": 1})) == ["intl_phone"]


def test_w3_s5_a_phone_is_confirmed_where_the_registrant_confirmed_the_same_one():
    strict = Rules(NO_LISTS, ("US",), False, True, 0.22, 0)
    row = {"phone": "+12065550100"}
    for known, phone in (("+12065550100", "+12065550100"), ("+12065550199", "")):
        found = judged(row, rules=strict, known_phone=known, confirmed=True)
        assert found["phone"].to_list() == [phone]


def test_w3_n8_a_suppressed_contact_is_left_out_and_who_has_no_other_is_not_in_the_wave():
    both = {"email": "a@b.example", "phone": "+12065550100"}
    for flag, email, phone in (
        ("email_suppressed", "", "+12065550100"),
        ("phone_suppressed", "a@b.example", ""),
    ):
        (found,) = judged(both, **{flag: True}).to_dicts()
        assert (found["email"], found["phone"], found["reason"]) == (email, phone, None)
    all_of_them = {"email_suppressed": True, "phone_suppressed": True}
    assert reasons(both, rooms={"west": 1}, **all_of_them) == ["suppressed"]
    assert reasons({}, email_suppressed=True, in_wave=True) == ["suppressed"]


def test_w3_s6_of_fans_who_share_a_contact_the_first_stay():
    few = Rules(NO_LISTS, ("US",), False, False, 0.22, 1)
    assert reasons({}, {"email": "A@b.example"}, rules=few) == [None, "shared_contact"]


def test_w3_w5_the_first_acceptable_rows_fill_a_market():
    rows = [{"email": ""}, {}, {"market_id": "east"}, {}, {}]
    found = reasons(*rows, rooms={"west": 2, "east": 0})
    assert found == ["no_contact", None, "no_room", None, "no_room"]


def test_o7_formulas_and_paths_in_names_are_text_and_nothing_else():
    rows = [{"global_user_id": "=1+1", "member_id": "../x"}, {"market_id": "../../etc"}]
    assert reasons(*rows) == [None, "unknown_market"]
