"""SMS segments. [X-6]"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waves.messages.sms_segments import BASIC, EXTENSION, Encoding, segments


def test_the_alphabets_have_the_standards_sizes():
    assert len(BASIC) == 127  # 128 less the escape
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION


@pytest.mark.parametrize(
    ("text", "encoding", "units", "count"),
    [
        ("", Encoding.GSM7, 0, 1),
        ("a" * 160, Encoding.GSM7, 160, 1),
        ("a" * 161, Encoding.GSM7, 161, 2),
        ("a" * 306, Encoding.GSM7, 306, 2),
        ("a" * 307, Encoding.GSM7, 307, 3),
        ("€" * 80, Encoding.GSM7, 160, 1),
        ("€" * 81, Encoding.GSM7, 162, 2),
        # the euro does not fit the first part's last septet
        ("a" * 152 + "€" + "a" * 152, Encoding.GSM7, 306, 3),
        ("ç", Encoding.UCS2, 1, 1),
        ("я" * 70, Encoding.UCS2, 70, 1),
        ("я" * 71, Encoding.UCS2, 71, 2),
        ("😀" * 35, Encoding.UCS2, 70, 1),
        ("😀" * 36, Encoding.UCS2, 72, 2),
        ("😀" * 67, Encoding.UCS2, 134, 3),  # 33 pairs a part: a pair is not split
    ],
)
def test_segments_are_counted_as_gateways_bill_them(text, encoding, units, count):
    counted = segments(text)
    assert (counted.encoding, counted.units, counted.count) == (encoding, units, count)


def test_the_character_that_forces_ucs2_is_named():
    assert segments("Ciao ’n ç").forced_by == "’"
    assert segments("È".lower()).forced_by == ""


def test_the_cost_is_per_segment():
    assert segments("a" * 161).cost(Decimal("0.0075")) == Decimal("0.0150")


@given(st.text(alphabet=st.sampled_from("aé€~\n😀яç"), max_size=400), st.sampled_from("aé€~\n😀яç"))
def test_a_longer_text_never_takes_fewer_segments(text, more):
    assert segments(text + more).count >= segments(text).count
