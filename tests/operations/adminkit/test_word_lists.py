"""Several short texts in one box. [C-3]"""

from __future__ import annotations

import pytest
from django import forms

from operations.adminkit.word_lists import WordListField


class Box(forms.Form):
    ids = WordListField(longest=8, required=False)


@pytest.mark.parametrize("typed", ["E1\nE2", "E1, E2", " E1;E2\r\n", "E1\tE2", "E1\n\nE2\nE1"])
def test_texts_are_typed_or_pasted_one_a_line_or_with_commas_and_each_counts_once(typed):
    form = Box({"ids": typed})
    assert form.is_valid()
    assert form.cleaned_data["ids"] == ["E1", "E2"]


def test_a_text_that_is_too_long_is_named_with_what_to_type():
    said = Box({"ids": "E1, E23456789"}).errors["ids"][0]
    assert said == (
        "“E23456789…” has 9 characters. Use at most 8, and a new line or a comma after each one."
    )


def test_c2_a_text_that_no_table_can_keep_is_refused():
    assert "contains a NUL" in Box({"ids": "E1\0"}).errors["ids"][0]


def test_a_list_that_comes_back_as_it_was_shown_has_not_changed_commas_and_all():
    stored = ["a,b", "c"]
    shown = Box(initial={"ids": stored})["ids"].value()
    assert shown == "a,b\nc"
    assert not Box({"ids": shown.replace("\n", "\r\n")}, initial={"ids": stored}).has_changed()
    assert Box({"ids": "c"}, initial={"ids": stored}).has_changed()
