"""Whether a phone is international is decided by the number's own region, also where regions share
a calling code. [S-5]
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import phonenumbers
import polars as pl
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from campaigns.contacts.emails import EmailRules
from campaigns.scoring.outcomes import Rules, check_contacts

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
    rows = examples().with_columns(pl.lit("").alias("email"), pl.lit(value=True).alias("confirmed"))
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
    expected = [{home: None, "": "no_contact"}.get(own, "intl_phone") for own in examples()["own"]]
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
