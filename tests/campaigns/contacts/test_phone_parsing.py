"""What is dialled in front of a number is recognized over whole columns. [S-5]"""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from campaigns.contacts.phone_parsing import Numbers
from tests.campaigns.contacts.phone_cases import judged


def test_a_brazilian_carrier_code_is_dropped():
    assert judged("0 15 11 96123-4567", "BR") == ("+5511961234567", "BR", None)


def test_an_international_prefix_works_like_a_plus():
    assert judged("011 44 20 7946 0958", "US") == ("+442079460958", "GB", "not_mobile")
    assert judged("0011 44 20 7946 0958", "AU") == ("+442079460958", "GB", "not_mobile")
    assert judged("8~10 44 20 7946 0958", "RU")[0] == "+442079460958"


def test_a_calling_code_without_plus_is_understood():
    assert judged("33 6 12 34 56 78", "FR") == ("+33612345678", "FR", None)
    assert judged("1 212 555 0123", "US") == ("+12125550123", "US", None)


def test_a_national_prefix_after_the_calling_code_is_dropped():
    assert judged("+44 (0) 20 7946 0958", "US") == ("+442079460958", "GB", "not_mobile")


@given(st.lists(st.from_regex(r"\+?[0-9]{1,15}", fullmatch=True), min_size=1))
def test_s5_digits_and_pluses_of_a_column_are_read_back(written):
    lines = "".join(f"{phone}\n" for phone in written).encode()
    numbers, plus = Numbers.of_lines(lines, np.zeros(len(written), np.int32))
    assert numbers.as_integers().tolist() == [int(phone.lstrip("+")) for phone in written]
    assert numbers.lengths.tolist() == [len(phone.lstrip("+")) for phone in written]
    assert plus.tolist() == [phone.startswith("+") for phone in written]
