"""Phones: E.164, valid or not, and the region they belong to, exactly as phonenumbers has it. [S-5]

Plain numbers are settled column by column from phonenumbers' metadata; the rest goes to
phonenumbers, each spelling once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt
import phonenumbers
import polars as pl

from campaigns.contacts.phone_parsing import Numbers, settle
from campaigns.contacts.phone_plans import NumberingPlans
from operations.entry.trimming import trimmed

Places = npt.NDArray[np.intp]

METADATA_VERSION: str = phonenumbers.__version__
"""For the snapshot of the rules in force. [S-2]"""

_LONGEST_PLAIN = 100
_JUDGED = {"phone": pl.String, "region": pl.String, "tag": pl.String}
_ANSWERED = {"phone": pl.String, "region": pl.String, "takes_sms": pl.Boolean}
_TAGS = pl.Series([None, "missing_phone", "invalid_phone", "not_mobile"], dtype=pl.String)
_MOBILE, _MISSING, _INVALID, _NOT_MOBILE = range(4)
_TAKE_SMS = (
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.VOIP,
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
)
# What a spreadsheet makes of a number: phonenumbers would read its zeros and exponent as digits.
_MANGLED = r"[+-]?\d+(\.0*|(\.\d+)?[eE][+-]?\d+)"
_ZEROS_AT_THE_END = re.compile(rb"\.0*\n")
_ROWS_AT_ONCE = 65_536  # the columns of one slice stay in the processor's cache


# Without it phonenumbers compiles patterns anew once a file has numbers of many regions: 5,000
# numbers/s instead of 50,000.
phonenumbers.enable_pattern_cache()


def one_phone(raw: str, region: str) -> tuple[str | None, str | None, bool | None]:
    """E.164, the number's own region and whether its type takes an SMS, of one phone as written;
    all None if it is not valid. [S-5]
    """
    if re.fullmatch(_MANGLED, raw):
        return None, None, None
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None, None, None
    kind = phonenumbers.number_type(number)
    if kind == phonenumbers.PhoneNumberType.UNKNOWN:  # just what `is_valid_number` calls invalid
        return None, None, None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164, phonenumbers.region_code_for_number(number), kind in _TAKE_SMS


def spellings(e164: str) -> set[str]:
    """How files write this number: with and without plus, calling code and separators."""
    number = phonenumbers.parse(e164)
    shown = {
        phonenumbers.format_number(number, form)
        for form in (
            phonenumbers.PhoneNumberFormat.INTERNATIONAL,
            phonenumbers.PhoneNumberFormat.NATIONAL,
        )
    }
    digits = {re.sub(r"\D", "", text) for text in shown}
    separated = {
        re.sub(r"\D+", separator, text).strip(separator) for text in shown for separator in "-. "
    }
    return {e164, phonenumbers.national_significant_number(number), *shown, *digits, *separated}


def check_phones(phones: pl.Series, countries: pl.Series, *, default_region: str) -> pl.DataFrame:
    """Judge a column of phones as written, each with its row's country as default region; same
    length and order. [S-5]

    `countries` holds upper-cased ISO codes; null, empty or unknown ones mean `default_region`.
    Columns: `phone` (E.164 or null), `region` (the number's own; "001" for numbers of no region;
    null without a phone) and `tag` (null, `missing_phone`, `invalid_phone`, or `not_mobile` for a
    number whose type takes no SMS). Raises ValueError if
    phonenumbers does not know `default_region`.
    """
    plans = _numbering_plans()
    if default_region not in plans.by_region:
        raise ValueError(
            f"{default_region!r} is not a region with phone numbers. Use an ISO country"
            " code such as US."
        )
    plan = countries.cast(pl.String).replace_strict(
        plans.by_region, default=plans.by_region[default_region], return_dtype=pl.Int32
    )
    frame = pl.DataFrame({"written": phones.cast(pl.String), "plan": plan})
    judged = [_check_slice(part, plans) for part in frame.iter_slices(_ROWS_AT_ONCE)]
    return pl.concat(judged) if judged else pl.DataFrame(schema=_JUDGED)


def is_known_region(region: str) -> bool:
    """Whether phonenumbers has a numbering plan for this ISO code."""
    return region in phonenumbers.SUPPORTED_REGIONS


def shared_calling_code_warnings(home_countries: Iterable[str]) -> list[str]:
    """One sentence for each home country whose calling code is shared with regions that are not at
    home. [C-1]
    """
    homes = list(home_countries)
    return [warning for home in homes if (warning := _shared_code_warning(home, homes))]


def _shared_code_warning(home: str, homes: list[str]) -> str | None:
    code = phonenumbers.country_code_for_region(home)
    others = (
        sorted(set(phonenumbers.region_codes_for_country_code(code)) - set(homes)) if code else []
    )
    if not others:
        return None
    example = (
        "; for example, 07911 123456 is a number in Guernsey"
        if home == "GB" and "GG" in others
        else ""
    )
    return (
        f"{home} shares the calling code +{code} with {', '.join(others)}, whose"
        f" numbers are treated as international{example}."
    )


@cache
def _numbering_plans() -> NumberingPlans:
    return NumberingPlans()


def _check_slice(rows: pl.DataFrame, plans: NumberingPlans) -> pl.DataFrame:
    """`rows`: `written`, `plan`. The columns of `check_phones`."""
    lines = _lines(rows["written"])
    settled = settle(*Numbers.of_lines(lines, rows["plan"].to_numpy()), plans)
    settled.forget(_mangled(rows["written"], lines))
    e164, tags = pl.Series(settled.e164), np.where(settled.takes_sms, _MOBILE, _NOT_MOBILE)
    tags[settled.owners == 0] = _INVALID
    phone = pl.lit("+") + pl.when(e164 > 0).then(e164).cast(pl.String)
    names = pl.Series([None, *plans.names], dtype=pl.String)
    judged = rows.select(
        phone.alias("phone"), names.gather(pl.Series(settled.owners)).alias("region")
    )
    unsure = np.flatnonzero(settled.unsure)
    if unsure.size:
        answers = _ask_phonenumbers(rows[unsure], plans)
        tags[unsure] = answers["tag"].to_numpy()
        judged = judged.with_columns(
            judged[name].scatter(unsure, answers[name]) for name in judged.columns
        )
    return judged.with_columns(_TAGS.gather(pl.Series(tags)).alias("tag"))


def _mangled(written: pl.Series, lines: bytes) -> Places:
    """The rows in which a dot and zeros end a number. Those with an exponent hold a letter, so
    `one_phone` is asked anyway.
    """
    ends = [found.end() - 1 for found in _ZEROS_AT_THE_END.finditer(lines)]
    if not ends:
        return np.array([], np.intp)
    rows = np.searchsorted(np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n")), ends)
    mangled: Places = rows[written.gather(rows).str.contains(f"^{_MANGLED}$").to_numpy()]
    return mangled


def _lines(written: pl.Series) -> bytes:
    """One line per phone. What is missing, very long or has line ends of its own becomes an odd
    one.
    """
    lines = _joined(written)
    line_ends = np.count_nonzero(np.frombuffer(lines, np.uint8) == ord("\n"))
    if line_ends == len(written) and written.str.len_bytes().max() in range(_LONGEST_PLAIN + 1):
        return lines
    text = pl.col("written")
    odd = (text.str.len_bytes() > _LONGEST_PLAIN) | text.str.contains("\n", literal=True)
    plain = pl.when(odd.fill_null(value=True)).then(pl.lit("?")).otherwise(text)
    return _joined(written.to_frame("written").select(plain).to_series())


def _joined(written: pl.Series) -> bytes:
    text: str = written.str.join("\n")[0]
    return text.encode() + b"\n"


def _ask_phonenumbers(rows: pl.DataFrame, plans: NumberingPlans) -> pl.DataFrame:
    """`phone`, `region` and `tag` (its place in _TAGS) of these rows, asking once for each spelling
    and region.
    """
    is_blank = pl.col("written").is_null() | (trimmed(pl.col("written")) == "")
    spellings = rows.filter(~is_blank).unique()
    answers = [one_phone(written, plans.names[plan]) for written, plan in spellings.iter_rows()]
    known = spellings.hstack(pl.DataFrame(answers, schema=_ANSWERED, orient="row"))
    joined = rows.join(known, on=["written", "plan"], how="left", maintain_order="left")
    tag = (
        pl.when(is_blank)
        .then(_MISSING)
        .when(pl.col("phone").is_null())
        .then(_INVALID)
        .when("takes_sms")
        .then(_MOBILE)
        .otherwise(_NOT_MOBILE)
    )
    return joined.with_columns(tag.cast(pl.Int32).alias("tag"))
