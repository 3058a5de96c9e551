"""Errors as people may read them."""

from __future__ import annotations

from operations.errors import LONGEST_ERROR, Refusal, error_text


def test_what_a_file_holds_can_be_quoted_and_kept():
    assert error_text(Refusal("campaign a\x00b\udc80, not c")) == "campaign a\\x00b\\udc80, not c"


def test_an_error_without_words_has_its_name():
    assert error_text(KeyError()) == "KeyError"
    assert error_text(Refusal()) == "Refusal"
    assert len(error_text(ValueError("x" * 10**6))) <= LONGEST_ERROR
