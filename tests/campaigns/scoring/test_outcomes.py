"""Each row has one outcome, the first reason that applies: columns against a plain reading of S-3,
row by row.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from campaigns.choices import Reason, Tag
from campaigns.contacts.emails import EmailRules
from campaigns.scoring.outcomes import (
    ContactRanks,
    Rules,
    add_tallies,
    check_contacts,
    is_yes,
    judge_scores,
    score_of,
    tally,
)
from tests.campaigns.scoring.plain_scores import Lists, PlainJudge, plain_score

SHARED_CODES = (1, 7, 39, 44, 47, 61, 212, 262, 358, 590, 599)
HOMES = [home for code in SHARED_CODES for home in phonenumbers.region_codes_for_country_code(code)]
RULES = Rules(
    email_rules=EmailRules.compile(blacklist=[], whitelist=[]),
    home_countries=("US",),
    allow_intl_phones=False,
    require_confirmed_phone=False,
    min_score=0.22,
    max_fans_per_contact=0,
)

MANY = 3_000 if os.environ.get("FAIRWAVE_FULL") else 120
BLACKLIST = ["scalper@mail.example", "@bad.example", "@*.spam.example"]
WHITELIST = ["vip*@bad.example"]
DISPOSABLE = frozenset({"throw.example"})
RULES = Rules(
    email_rules=EmailRules.compile(blacklist=BLACKLIST, whitelist=WHITELIST, disposable=DISPOSABLE),
    home_countries=("US", "CA"),
    allow_intl_phones=False,
    require_confirmed_phone=False,
    min_score=0.22,
    max_fans_per_contact=0,
)
ROW = {
    "id": "1",
    "tmemail": "fan@mail.example",
    "sms": "+12065550100",
    "global_user_id": "fan",
    "member_id": "m",
    "raw_local_fanscore": "0.5",
    "country_code": "US",
    "confirmed": True,
    "known_phone": None,
}
NONE = pl.Series([], dtype=pl.Boolean)
SCHEMA = dict.fromkeys(ROW, pl.String) | {"confirmed": pl.Boolean}


def judge(
    rows: list[dict[str, object]],
    rules: Rules = RULES,
    *,
    duplicates: list[bool] | None = None,
    erased: bool = False,
    chunks: int = 1,
):
    """Rows judged in so many chunks."""
    frame = pl.DataFrame([ROW | row for row in rows], schema=SCHEMA).with_row_index(
        "line", offset=2
    )
    ranks = ContactRanks(rules.max_fans_per_contact) if rules.max_fans_per_contact else None
    marked = frame.with_columns(
        pl.Series("dup", duplicates or [False] * len(rows)), pl.lit(erased).alias("erased")
    )
    size = -(-len(rows) // chunks)
    parts = [
        judge_scores(
            part.drop("dup", "erased"),
            rules,
            duplicates=part["dup"],
            erased=part["erased"],
            ranks=ranks,
        )
        for part in marked.iter_slices(size)
    ]
    return pl.concat(parts)


def reason_of(rules: Rules = RULES, **row: object) -> str | None:
    return judge([row], rules)["reason"][0]


def tags_of(rules: Rules = RULES, **row: object) -> list[str]:
    return judge([row], rules)["tags"][0].to_list()


@pytest.mark.parametrize(
    "written",
    [
        "0",
        "1",
        "0.5",
        "+.5",
        "5e-1",
        "1.",
        "00.25",
        ".5E+0",
        "-0",
        "-0.0",
        "1e-400",
        "0.1" + "0" * 400,
    ],
)
def test_numbers_of_the_form_are_scores(written):
    assert score_of(pl.Series("s", [written]))[0] == float(written)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "NaN",
        "inf",
        "1.0001",
        "-0.1",
        "0,5",
        "1_0e-2",
        "0x1p-1",
        ".",
        "+",
        "e5",
        "1e",
        "٠.٥",
        "½",
        "0.5 0.5",
        "--1",
        "1e999",
    ],
)
def test_what_is_no_number_or_outside_0_to_1_is_an_invalid_score(written):
    assert reason_of(raw_local_fanscore=written) == Reason.INVALID_SCORE


@settings(max_examples=MANY)
@given(
    st.lists(
        st.one_of(
            st.from_regex(r"[+-]?[01]?\.?[0-9]{0,20}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
            st.text("0123456789.eE+-", max_size=8),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_scores_are_pythons_floats(texts):
    found = score_of(pl.Series("s", texts)).to_list()
    assert found == [plain_score(text) for text in texts]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [("0.22", None), ("0.2199999999999999", Reason.BELOW_MINIMUM_SCORE), ("0.7", None)],
)
def test_below_the_lowest_band_nobody_gets_in(raw, reason):
    """[S-7]"""
    assert reason_of(raw_local_fanscore=raw) == reason


def test_the_campaigns_minimum_counts_where_it_is_higher():
    """[S-7]"""
    assert (
        reason_of(replace(RULES, min_score=0.6), raw_local_fanscore="0.59")
        == Reason.BELOW_MINIMUM_SCORE
    )
    assert (
        reason_of(replace(RULES, min_score=0.1), raw_local_fanscore="0.2")
        == Reason.BELOW_MINIMUM_SCORE
    )


def test_an_unconfirmed_phone_is_no_contact_where_confirmation_is_required():
    """[S-5, S-6]"""
    strict = replace(RULES, require_confirmed_phone=True)
    alone = {"tmemail": "", "confirmed": False}
    assert reason_of(**alone) is None
    assert reason_of(strict, **alone) == Reason.NO_CONTACT
    assert reason_of(strict, tmemail="", confirmed=True) is None
    assert reason_of(strict, confirmed=False) is None
    assert tags_of(confirmed=False) == [Tag.UNCONFIRMED_PHONE]


def test_a_registrants_confirmation_speaks_of_the_phone_it_was_given_for():
    """[S-5]"""
    assert tags_of(sms="(206) 555-0100", known_phone="+12065550100") == []
    assert tags_of(sms="(206) 555-0199", known_phone="+12065550100") == [Tag.UNCONFIRMED_PHONE]
    assert tags_of(known_phone="") == [Tag.UNCONFIRMED_PHONE]
    assert tags_of(known_phone=None) == []


def test_a_phone_that_takes_no_sms_is_kept_and_tagged_but_is_no_contact():
    """[S-5, S-6]"""
    german = replace(RULES, home_countries=("DE",))
    landline = {"sms": "030 123456", "country_code": "DE"}
    row = judge([landline], german).row(0, named=True)
    assert (row["phone"], row["tags"], row["reason"]) == ("+4930123456", ["not_mobile"], None)
    assert reason_of(german, **landline, tmemail="") == Reason.NO_CONTACT
    assert reason_of(german, sms="0170 1234567", country_code="DE", tmemail="") is None
    assert tags_of(german, **landline, confirmed=False) == ["not_mobile", "unconfirmed_phone"]


def test_a_foreign_phone_is_refused_or_tagged_by_the_numbers_own_region():
    """[S-5]"""
    assert reason_of(sms="+442079460123") == Reason.INTL_PHONE
    allowed = replace(RULES, allow_intl_phones=True)
    assert tags_of(allowed, sms="+447400123456") == [Tag.INTL_PHONE]
    assert reason_of(sms="020 7946 0123", country_code="gb") == Reason.INTL_PHONE
    assert reason_of(sms="+80012345678") == Reason.INTL_PHONE
    assert reason_of(sms="(416) 555-0123", country_code="") is None


def test_s3_a_foreign_phone_comes_before_a_missing_contact():
    confirmed = replace(RULES, require_confirmed_phone=True)
    foreign = {"tmemail": "", "sms": "+442079460123", "confirmed": False}
    assert reason_of(confirmed, **foreign) == Reason.INTL_PHONE


def test_s5_who_has_no_phone_has_none_that_is_confirmed():
    assert judge([ROW | {"sms": "", "confirmed": True}])["confirmed"].to_list() == [False]


def test_the_first_n_fans_of_a_shared_contact_stay_over_chunks():
    """[S-6]"""
    rules = replace(RULES, max_fans_per_contact=2)
    mails = [
        "a.b@gmail.com",
        "ab+x@gmail.com",
        "A.B@GMAIL.COM",
        "ab@mail.example",
        "a.b@mail.example",
        "ab+1@mail.example",
        "",
        "",
    ]
    rows = [
        {"tmemail": mail, "sms": f"+1206555010{n}", "global_user_id": f"f{n}"}
        for n, mail in enumerate(mails)
    ]
    for chunks in (1, 2, 8):
        reasons = judge(rows, rules, chunks=chunks)["reason"].to_list()
        assert reasons == [None, None, Reason.SHARED_CONTACT, None, None, None, None, None]


def test_a_row_that_is_rejected_for_something_else_takes_no_place_of_a_shared_contact():
    rules = replace(RULES, max_fans_per_contact=1)
    rows = [{"raw_local_fanscore": "no"}, {}, {}]
    assert judge(rows, rules)["reason"].to_list() == [
        Reason.INVALID_SCORE,
        None,
        Reason.SHARED_CONTACT,
    ]


def test_x11_an_erased_fan_is_a_duplicate_first_and_whatever_else_is_wrong_does_not_matter():
    rows = [{"raw_local_fanscore": "no"}, {}]
    reasons = judge(rows, duplicates=[False, True], erased=True)["reason"].to_list()
    assert reasons == [Reason.ERASED, Reason.DUPLICATE]


def test_no_rows_are_judged_as_well():
    rows = pl.DataFrame(schema={"line": pl.Int64} | SCHEMA)
    found = judge_scores(rows, RULES, duplicates=NONE, erased=NONE, ranks=ContactRanks(1))
    assert found.height == 0
    assert {"reason", "raw_score", "tags", "phone_region"} <= set(found.columns)


def test_yes_has_three_spellings_in_any_case():
    column = pl.Series("c", ["true", "TRUE", "1", "Yes", "no", "0", "", "y", "ja"])
    assert pl.select(is_yes(pl.lit(column))).to_series().to_list() == [
        True,
        True,
        True,
        True,
        False,
        False,
        False,
        False,
        False,
    ]


def test_tallies_of_chunks_add_up():
    assert add_tallies([tally(pl.Series(["b", "a", None, "b"])), tally(pl.Series(["a"])), {}]) == {
        "a": 2,
        "b": 2,
    }


EMAILS = [
    "",
    "a@mail.example",
    "A@Mail.Example",
    "a+b@mail.example",
    "no mail",
    "scalper@mail.example",
    "x@bad.example",
]
EMAILS += [
    "vip1@bad.example",
    "x@deep.spam.example",
    "x@sub.throw.example",
    "a.b@gmail.com",
    "ab@gmail.com",
    "ö@mail.example",
]
PHONES = [
    "",
    "+12065550100",
    "(206) 555-0100",
    "2065550101",
    "416 555 0123",
    "+442079460123",
    "+447400123456",
    "12065550100.0",
    "1.20655501E+10",
    "020 7946 0123",
    "nonsense",
    "12",
]
anything = st.fixed_dictionaries(
    {
        "global_user_id": st.sampled_from(["", *"abcdefghij"]),
        "tmemail": st.sampled_from(EMAILS),
        "sms": st.sampled_from(PHONES),
        "country_code": st.sampled_from(["US", "us", "GB", "", "XX", "CA"]),
        "raw_local_fanscore": st.sampled_from(["0.5", "0.95", "0.1", "1.5", "", "0.22", "1e-1"]),
        "confirmed": st.booleans(),
        "known_phone": st.sampled_from([None, "", "+12065550100"]),
    }
)
any_rules = st.builds(
    replace,
    st.just(RULES),
    home_countries=st.sampled_from([("US",), ("US", "CA"), ("US", "GB")]),
    allow_intl_phones=st.booleans(),
    require_confirmed_phone=st.booleans(),
    min_score=st.sampled_from([0.0, 0.22, 0.5]),
    max_fans_per_contact=st.sampled_from([0, 1, 2]),
)


@settings(max_examples=MANY)
@given(st.lists(anything, min_size=1, max_size=40), any_rules, st.integers(1, 4))
def test_columns_judge_as_a_plain_reading_of_the_rules_does(rows, rules, chunks):
    """[S-3, S-4, S-5, S-6]"""
    plain = PlainJudge(rules, Lists(BLACKLIST, WHITELIST, DISPOSABLE))
    expected = [(found.reason, found.tags) for found in (plain.outcome(ROW | row) for row in rows)]
    ids = [row["global_user_id"] for row in rows]
    duplicates = [bool(name) and name in ids[:n] for n, name in enumerate(ids)]
    found = judge(rows, rules, duplicates=duplicates, chunks=chunks)
    assert list(zip(found["reason"].to_list(), found["tags"].to_list(), strict=True)) == expected


@cache
def examples() -> pl.DataFrame:
    """Numbers of every region and kind that phonenumbers has an example of, as dialled within and
    from outside the region.

    `phone` and `country` as in a file, and `own` (the number's own region by phonenumbers, "" if it
    is not valid).
    """
    spelled = [
        (phonenumbers.format_number(number, how), region)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in sorted(PhoneNumberType.values())
        if (number := phonenumbers.example_number_for_type(region, kind)) is not None
        for how in (PhoneNumberFormat.E164, PhoneNumberFormat.NATIONAL)
    ]
    rows = [(written, region, own_region(written, region)) for written, region in spelled]
    return pl.DataFrame(rows, schema=["phone", "country", "own"], orient="row")


def own_region(written: str, country: str) -> str:
    number = phonenumbers.parse(written, country)
    return (
        phonenumbers.region_code_for_number(number) or ""
        if phonenumbers.is_valid_number(number)
        else ""
    )


def judged(*home_countries: str, allow: bool = False) -> pl.DataFrame:
    rows = examples().with_columns(
        pl.lit("fan@mail.example").alias("email"), pl.lit(value=True).alias("confirmed")
    )
    rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias("known_phone"))
    return check_contacts(
        rows, replace(RULES, home_countries=home_countries, allow_intl_phones=allow)
    )


def test_the_examples_have_numbers_of_every_region_of_a_shared_code():
    """Those of EH and MF are their neighbours' as well, and phonenumbers names the neighbour."""
    assert examples().height > 2_000
    assert set(HOMES) - set(examples()["own"]) <= {"EH", "MF"}


def test_every_example_has_the_region_that_phonenumbers_gives_it():
    assert judged("US")["phone_region"].fill_null("").to_list() == examples()["own"].to_list()


@pytest.mark.parametrize("home", HOMES)
def test_only_numbers_of_the_home_country_itself_are_at_home(home):
    """Valid numbers of the regions beside it are refused, with their neighbours' calling code or
    not.
    """
    reasons = judged(home)["contact_reason"].to_list()
    expected = [None if own in (home, "") else "intl_phone" for own in examples()["own"]]
    assert reasons == expected


@pytest.mark.parametrize("code", SHARED_CODES)
def test_all_regions_of_a_calling_code_together_take_all_its_numbers(code):
    homes = phonenumbers.region_codes_for_country_code(code)
    tagged = judged(*homes, allow=True)
    abroad = tagged["tags"].list.contains("intl_phone").to_list()
    assert abroad == [own not in ("", *homes) for own in examples()["own"]]
    assert (
        tagged.filter(
            pl.col("phone").str.starts_with(f"+{code}") & pl.col("phone_region").is_in(homes)
        ).height
        > 0
    )
