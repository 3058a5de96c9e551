"""Phone numbers as phonenumbers reads them. [S-5]"""

from __future__ import annotations

import phonenumbers
import polars as pl

METADATA_VERSION: str = phonenumbers.__version__


def one_phone(raw: str, region: str) -> tuple[str | None, str | None]:
    """E.164 and the number's own region of one phone as written, or (None, None) if it is not valid. [S-5]"""
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None, None
    if not phonenumbers.is_valid_number(number):
        return None, None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164, phonenumbers.region_code_for_number(number)


def check_phones(phones: pl.Series, countries: pl.Series, *, default_region: str) -> pl.DataFrame:
    regions = [c if c in phonenumbers.SUPPORTED_REGIONS else default_region for c in countries]
    rows = []
    for raw, region in zip(phones, regions, strict=True):
        if raw is None or not raw.strip():
            rows.append((None, None, "missing_phone"))
        else:
            e164, own = one_phone(raw, region)
            rows.append((e164, own, None if e164 else "invalid_phone"))
    return pl.DataFrame(rows, schema={"phone": pl.String, "region": pl.String, "tag": pl.String}, orient="row")
