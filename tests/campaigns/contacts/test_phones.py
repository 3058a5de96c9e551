"""Phones are judged exactly as phonenumbers judges them. [S-5]"""

from __future__ import annotations

import os
import re

import phonenumbers
import polars as pl
import pytest

from campaigns.contacts import phones
from campaigns.contacts.phones import check_phones, one_phone, shared_calling_code_warnings
from operations.entry.trimming import trim
from tests.campaigns.contacts.phone_cases import judged
from tests.campaigns.contacts.phone_samples import samples

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
BATCHES = 10 if FULL else 1
BATCH_ROWS = 20_000
NO_SMS = {
    getattr(phonenumbers.PhoneNumberType, name)
    for name in (
        *("PREMIUM_RATE", "TOLL_FREE", "SHARED_COST", "UAN", "PAGER", "VOICEMAIL", "FIXED_LINE"),
    )
}


def by_phonenumbers(written: str | None, region: str) -> tuple[str | None, str | None, str | None]:
    """The rule in plain words: nothing written is missing, what a spreadsheet mangled or
    phonenumbers does not call valid is invalid, what takes no SMS is not mobile.
    """
    if written is None or not trim(written):
        return None, None, "missing_phone"
    if re.fullmatch(r"[+-]?\d+\.0*|[+-]?\d+(\.\d+)?[eE][+-]?\d+", written):
        return None, None, "invalid_phone"
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None, None, "invalid_phone"
    if not phonenumbers.is_valid_number(number):
        return None, None, "invalid_phone"
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    takes_sms = phonenumbers.number_type(number) not in NO_SMS
    return e164, phonenumbers.region_code_for_number(number), None if takes_sms else "not_mobile"


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_generated_phone_is_judged_as_phonenumbers_does(batch):
    """[S-5] 20,000 phones of all regions and kinds, spelled well and badly; 200,000 in the full
    run.
    """
    rows = list(samples(seed=7_000 + batch, count=BATCH_ROWS))
    written = pl.Series([text for text, _ in rows], dtype=pl.String)
    found = check_phones(written, pl.Series([region for _, region in rows]), default_region="US")
    wrong = [
        (row, got, want)
        for row, got in zip(rows, found.iter_rows(), strict=True)
        if got != (want := by_phonenumbers(*row))
    ]
    assert wrong == []
    assert found["phone"].drop_nulls().len() > BATCH_ROWS // 5


def test_plain_numbers_of_many_countries_are_settled_without_phonenumbers(monkeypatch):
    """The columns do the work: a national and an international spelling of common countries never
    reach the slow way.
    """
    monkeypatch.setattr(phones, "one_phone", lambda *_: pytest.fail("asked phonenumbers"))
    written = pl.Series(
        [
            "(212) 555-0123",
            "+1 212 555 0123",
            "020 7946 0958",
            "0044 20 7946 0958",
            "0170 1234567",
            "+33 6 12 34 56 78",
        ]
    )
    countries = pl.Series(["US", "CA", "GB", "DE", "DE", "FR"])
    found = check_phones(written, countries, default_region="US")
    assert found["region"].to_list() == ["US", "US", "GB", "GB", "DE", "FR"]


def test_the_country_of_the_row_is_the_default_region():
    assert judged("020 7946 0958", "GB") == ("+442079460958", "GB", "not_mobile")
    assert judged("020 7946 0958", "US") == (None, None, "invalid_phone")


@pytest.mark.parametrize("country", [None, "", "XX", "001", "us"])
def test_an_unknown_country_means_the_first_home_country(country):
    assert judged("030 123456", country, default_region="DE") == ("+4930123456", "DE", "not_mobile")


@pytest.mark.parametrize(
    "written",
    [
        *("12065550100.0", "+12065550100.", "12065550100.000", "1.20655501E+10", "120655501e2"),
        *("12065550100E+0", "-12065550100.0", "0" * 120 + "12065550100.0"),
    ],
)
def test_s5_what_a_spreadsheet_made_of_a_number_is_invalid(written):
    """phonenumbers would read other digits into some of them."""
    assert judged(written) == (None, None, "invalid_phone")


@pytest.mark.parametrize(
    "written", ["206.555.0100", "206.555.01.00", "(206) 555-0100.", "2065550100 x1"]
)
def test_s5_dots_between_digits_are_no_spreadsheets(written):
    assert judged(written) == ("+12065550100", "US", None)


@pytest.mark.parametrize(
    ("written", "country", "tag"),
    [
        ("030 123456", "DE", "not_mobile"),  # fixed line
        ("0170 1234567", "DE", None),  # mobile
        ("+12065550100", "US", None),  # fixed line or mobile
        ("+18003569377", "US", "not_mobile"),  # toll free
        ("+19002345678", "US", "not_mobile"),  # premium rate
        ("+448431234567", "GB", "not_mobile"),  # shared cost
        ("+445612345678", "GB", None),  # VoIP
        ("+447012345678", "GB", None),  # personal number
        ("+447640123456", "GB", "not_mobile"),  # pager
        ("+445512345678", "GB", "not_mobile"),  # UAN
    ],
)
def test_s5_a_number_whose_type_takes_no_sms_is_kept_and_tagged(written, country, tag):
    phone, _, found = judged(written, country)
    assert (phone is not None, found) == (True, tag)


@pytest.mark.parametrize("written", [None, "", "  ", "\u00a0\u2003"])
def test_nothing_written_is_missing(written):
    assert judged(written) == (None, None, "missing_phone")


@pytest.mark.parametrize(
    "written", ["n/a", "+", "0", "12", "555-0123", "+999 123456789", "1" * 251, "212 555\n0123 9"]
)
def test_what_is_not_valid_is_dropped_with_a_tag(written):
    assert judged(written) == (None, None, "invalid_phone")


def test_an_italian_leading_zero_stays():
    assert judged("06 1234 5678", "IT") == ("+390612345678", "IT", "not_mobile")
    assert judged("+39 06 698 12345", "US")[:2] == ("+390669812345", "VA")


def test_a_number_of_guernsey_is_guernseys_though_dialled_in_britain():
    assert judged("07911 123456", "GB") == ("+447911123456", "GG", None)
    assert judged("07400 123456", "GB") == ("+447400123456", "GB", None)


def test_the_caribbean_shares_its_calling_code_with_america_but_not_its_region():
    assert judged("(876) 210-1234", "US") == ("+18762101234", "JM", None)
    assert judged("+1 246 250 1234", "US") == ("+12462501234", "BB", None)
    assert judged("416 555 0123", "US") == ("+14165550123", "CA", None)


def test_a_local_number_of_an_island_gets_its_area_code():
    assert judged("250 1234", "BB") == ("+12462501234", "BB", None)


def test_argentine_mobiles_lose_zero_and_fifteen_and_get_nine():
    assert judged("011 15 2345 6789", "AR") == ("+5491123456789", "AR", None)
    assert judged("+54 9 11 2345 6789", "US") == ("+5491123456789", "AR", None)


def test_the_old_mexican_mobile_one_is_judged_as_phonenumbers_does():
    for written in (
        "044 55 1234 5678",
        "+52 1 55 1234 5678",
        "+52 55 1234 5678",
        "01 55 1234 5678",
    ):
        assert judged(written, "MX") == by_phonenumbers(written, "MX")
    assert judged("+52 55 1234 5678", "MX")[0] == "+525512345678"


def test_vanity_letters_are_dialled():
    assert judged("1-800-FLOWERS") == ("+18003569377", "US", "not_mobile")


@pytest.mark.parametrize("extension", [" ext. 12", "x12", " #12", ";ext=12"])
def test_an_extension_is_left_out(extension):
    assert judged("212 555 0123" + extension) == ("+12125550123", "US", None)


def test_digits_of_other_scripts_are_digits():
    assert judged("\uff0b\uff14\uff14 20 7946 0958") == ("+442079460958", "GB", "not_mobile")
    assert judged("٠٢٠ 7946 0958", "GB") == ("+442079460958", "GB", "not_mobile")


def test_a_number_of_no_country_has_region_001():
    assert judged("+800 1234 5678") == ("+80012345678", "001", "not_mobile")


def test_columns_keep_length_and_order_also_when_empty_or_of_many_slices():
    assert (
        check_phones(
            pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.String), default_region="US"
        ).height
        == 0
    )
    pattern = ["+12125550123", None, "junk", "020 7946 0958"]
    found = check_phones(
        pl.Series(pattern * 40_000),
        pl.Series(["US", "US", "US", "GB"] * 40_000),
        default_region="US",
    )
    assert found.columns == ["phone", "region", "tag"]
    assert found.unique().height == 4
    assert found[-4:].rows() == found[:4].rows()


def test_an_unknown_default_region_is_refused():
    with pytest.raises(ValueError, match="XX"):
        judged("1", default_region="XX")


def test_one_phone_agrees_with_the_columns():
    assert one_phone("07911 123456", "GB") == ("+447911123456", "GG", True)
    assert one_phone("1", "GB") == (None, None, None)


def test_britain_alone_gets_a_warning_and_with_the_islands_none():
    """[C-1]"""
    (warning,) = shared_calling_code_warnings(["GB"])
    assert "GG, IM, JE" in warning
    assert "07911" in warning
    assert shared_calling_code_warnings(["GB", "GG", "IM", "JE", "DE"]) == []


def test_a_home_country_warns_of_every_region_with_its_calling_code():
    """[C-1]"""
    warnings = shared_calling_code_warnings(["US", "RU"])
    assert "CA" in warnings[0]
    assert warnings[1].startswith("RU shares the calling code +7 with KZ")
