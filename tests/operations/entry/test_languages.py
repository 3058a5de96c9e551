"""Languages as BCP 47 tags. [C-4]"""

from __future__ import annotations

import pytest

from operations.entry.languages import canonical, fallbacks, language
from operations.errors import BadValue


@pytest.mark.parametrize(
    ("tag", "kept"),
    [
        ("EN", "en"),
        ("pt_br", "pt-BR"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("sl-ROZAJ-biske", "sl-rozaj-biske"),
        ("de-CH-1996", "de-CH-1996"),
        ("en-US-u-ISLAMCAL", "en-US-u-islamcal"),
        ("en-x-US", "en-x-us"),
    ],
)
def test_c4_a_tag_is_stored_in_its_canonical_case(tag, kept):
    assert canonical(tag) == kept


@pytest.mark.parametrize(
    "tag", ["", "e", "english", "en-", "en US", "en--US", "fr\n", "ſr", "en-a", "a" * 40]
)
def test_c4_what_is_not_well_formed_is_none(tag):
    assert canonical(tag) == ""


def test_n1_a_tag_falls_back_to_what_it_begins_with():
    assert fallbacks("zh-Hant-TW") == ("zh-Hant-TW", "zh-Hant", "zh")
    assert fallbacks("en-x-us") == ("en-x-us", "en")
    assert fallbacks("") == ()


def test_a_value_that_is_no_language_is_refused_with_an_example():
    assert language("language", " pt-br ") == "pt-BR"
    with pytest.raises(BadValue, match=r"language: 'klingonese' is not a language\. Use a tag"):
        language("language", "klingonese")
