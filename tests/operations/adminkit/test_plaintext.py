"""Characters that deceive the eye are spelt out."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from operations.adminkit.plaintext import HIDDEN_CATEGORIES, visible


def test_characters_that_turn_text_around_or_are_not_seen_are_spelt_out():
    assert visible("a\u202eb\u0000c\U000e0041") == "a\\u202eb\\u0000c\\udb40\\udc41"
    assert visible("Zoë\n\tЖ") == "Zoë\n\tЖ"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_inside_of_json_a_spelt_out_text_means_the_same(text):
    written = json.dumps(text, ensure_ascii=False)
    assert json.loads(visible(written)) == text
    assert not any(
        unicodedata.category(char) in HIDDEN_CATEGORIES
        for char in visible(written)
        if char not in "\n\t"
    )
