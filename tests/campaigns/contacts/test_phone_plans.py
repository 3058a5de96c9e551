"""The numbering plans of all countries, read from phonenumbers. [S-5]"""

from __future__ import annotations

import polars as pl
from phonenumbers import PhoneMetadata

from campaigns.contacts import phone_plans, phones
from campaigns.contacts.phone_patterns import UnsupportedPattern, read_pattern


def test_a_plan_with_an_unknown_pattern_is_left_to_phonenumbers(monkeypatch):
    """New metadata may use new means: then the answers stay right, and only take longer."""
    french = PhoneMetadata.metadata_for_region("FR", None).general_desc.national_number_pattern

    def read(pattern: str):
        if pattern == french:
            raise UnsupportedPattern(pattern)
        return read_pattern(pattern)

    monkeypatch.setattr(phone_plans, "read_pattern", read)
    plans = phone_plans.NumberingPlans()
    monkeypatch.setattr(phones, "_numbering_plans", lambda: plans)
    asked = []
    monkeypatch.setattr(
        phones, "one_phone", lambda *row: asked.append(row) or ("+33612345678", "FR", True)
    )
    written = pl.Series(["06 12 34 56 78", "+33 6 12 34 56 78", "030 123456"])
    found = phones.check_phones(written, pl.Series(["FR", "US", "DE"]), default_region="US")
    assert found["phone"].to_list() == ["+33612345678", "+33612345678", "+4930123456"]
    assert sorted(asked) == [("+33 6 12 34 56 78", "US"), ("06 12 34 56 78", "FR")]
