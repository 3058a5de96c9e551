"""What may enter, and the one line that says why not. [C-2]"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from operations.entry import values
from operations.errors import BadValue

DEEP = "[" * 100_000
text, whole, number = values.text, values.whole, partial(values.number, most=1)


@pytest.mark.parametrize(
    ("judge", "value"),
    [
        (text, "Zoë 🎫"),
        (partial(text, longest=3), "abc"),
        (values.texts, ["a", ""]),
        (partial(values.word, allowed=["a", "b"]), "b"),
        (values.flag, False),
        (whole, 2**31 - 1),
        (number, 0.5),
        (number, 1),
    ],
)
def test_what_can_be_kept_passes_as_it_is(judge, value):
    assert judge("key", value) == value


@pytest.mark.parametrize(
    ("judge", "value", "says"),
    [
        (text, None, "write a text in quotes, not null"),
        (text, ["a"], "not a list"),
        (text, 5, "not 5"),
        (text, "a\0b", "contains a NUL"),
        (text, "a\ud800", "an incomplete character"),
        (partial(text, longest=3), "abcd", "has 4 characters. At most 3"),
        (values.texts, "a", "write a list of texts"),
        (values.texts, ["a", {}], "not an object"),
        (partial(values.word, allowed=["a", "b"]), ["a"], "a list is unknown. Use one of: a, b"),
        (partial(values.word, allowed=["a", "b"]), "c" * 500, "… is unknown"),
        (values.flag, "yes", "write true or false, not 'yes'"),
        (whole, True, "without quotes, not true"),
        (whole, 1.5, "not 1.5"),
        (whole, -1, "-1 is not a whole number from 0 to 2,147,483,647"),
        (whole, 10**4_000, "a number with many digits is not"),
        (number, float("nan"), "nan is not a number from 0 to 1"),
        (number, 10**4_000, "many digits"),
        (number, "0.5", "without quotes"),
    ],
)
def test_what_cannot_is_refused_in_one_line_that_names_the_key(judge, value, says):
    with pytest.raises(BadValue) as refusal:
        judge("some_key", value)
    line = str(refusal.value)
    assert line.startswith("some_key: ")
    assert says in line
    assert len(line.splitlines()) == 1
    assert len(line) < 200


def test_a_number_with_thousands_of_digits_is_not_even_computed():
    assert values.whole_of_text("key", "007") == 7
    for digits in ("9" * 5_000, "", "-1", "٣", "1.0", "99999999999"):
        with pytest.raises(BadValue, match="is not a whole number"):
            values.whole_of_text("key", digits)


@pytest.mark.parametrize(
    ("given", "year"),
    [("2000-01-01T00:00:00Z", 2000), ("2200-12-31T23:59:59Z", 2200), ("2026-1-2 9:00+14:00", 2026)],
)
def test_c2_a_date_of_the_years_2000_to_2200_is_taken(given, year):
    assert values.instant("key", given).astimezone(UTC).year == year


@pytest.mark.parametrize(
    "given",
    [
        "1999-12-31T23:59:59Z",
        "2000-01-01T00:00:00+01:00",
        "2200-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_c2_a_date_of_another_year_is_refused_wherever_its_offset_puts_it(given):
    with pytest.raises(BadValue, match=r"^opens: the year \d{4} is not allowed"):
        values.instant("opens", given)


@pytest.mark.parametrize("given", [None, 5, ["2026"], "", "soon", "2026-13-01T00:00:00Z", DEEP])
def test_what_is_no_date_is_refused(given):
    with pytest.raises(BadValue, match="is not an ISO 8601 date and time"):
        values.instant("opens", given)
    with pytest.raises(BadValue, match="no time zone offset"):
        values.instant("opens", "2026-01-20")


def test_k2_a_notify_date_leaves_a_year_for_its_codes():
    moment = datetime(2198, 12, 31, tzinfo=UTC)
    assert values.within("key", moment, years=values.NOTIFY_YEARS) == moment
    with pytest.raises(BadValue, match="Use 2000 to 2198"):
        values.within("key", moment.replace(year=2199), years=values.NOTIFY_YEARS)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"a": 1', "^file: it is not JSON"),
        (b"\xff", "^file: it is not JSON"),
        (DEEP, "^file: the JSON is nested too deeply"),
        ('{"lists": ' + "[" * 60 + "]" * 60 + "}", "^lists: the JSON is nested too deeply"),
        ('{"name": {"a": ["\\ud800"]}}', "^name: the text contains"),
        ('{"name": {"a\\u0000": 1}}', "^name: the text contains"),
        ('{"a\\u0000": 1}', "^file: the text contains"),
        ('["\\u0000"]', "^file: the text contains"),
    ],
)
def test_json_that_cannot_be_read_or_kept_is_refused_by_the_key_at_its_top(content, says):
    with pytest.raises(BadValue, match=says):
        values.json_of("file", content)


def test_json_with_a_number_of_thousands_of_digits_is_read_and_the_number_refused_by_its_key():
    document = values.json_of("file", '{"capacity": ' + "9" * 5_000 + ', "min": 0.5, "n": -7}')
    assert (document["min"], document["n"]) == (0.5, -7)
    with pytest.raises(BadValue, match=r"^capacity: a number with many digits"):
        whole("capacity", document["capacity"])
