"""Which text a fan gets. [N-1, K-3]"""

from __future__ import annotations

import pytest

from waves.choices import Audience, Channel
from waves.errors import BadTemplate
from waves.messages.built_in import built_in
from waves.messages.choosing import Templates, Text
from waves.messages.content import MessageTemplate


def sms(body: str, **fields) -> MessageTemplate:
    return MessageTemplate(Channel.SMS, body, **fields)


def text(language: str = "", market_id: str = "west", channel="sms", has_code=True) -> Text:
    return Text(market_id, channel, language, has_code)


LEVELS = (
    sms("market and language", market_id="west", language="pt"),
    sms("market", market_id="west", language="de"),
    sms("language", language="pt"),
    sms("default language", language="de"),
)


@pytest.mark.parametrize("first", range(4))
def test_n1_market_and_language_come_first_then_market_then_language_then_the_default(first):
    left = Templates(LEVELS[first:][::-1], default_language="de")
    assert left.choose(text("pt")).body == LEVELS[first].body


def test_n1_a_language_with_a_region_falls_back_to_the_language():
    portuguese, brazilian = sms("pt", language="pt"), sms("pt-BR", language="pt-BR")
    both = Templates([portuguese, brazilian])
    assert both.choose(text("pt-BR")) is brazilian
    assert both.choose(text("pt-AO")) is portuguese
    assert Templates([brazilian]).choose(text("pt")) == built_in("sms")


def test_n1_the_default_language_falls_back_too():
    portuguese = sms("pt", language="pt")
    assert Templates([portuguese], default_language="pt-BR").choose(text("de")) is portuguese


def test_n1_without_a_fitting_template_the_built_in_text_is_sent():
    french = Templates([sms("fr", language="fr"), sms("east", market_id="east")])
    assert french.choose(text("de")) == built_in("sms")
    assert french.choose(text(channel="email")) == built_in("email")
    assert french.choose(text(has_code=False)) == built_in("sms", has_code=False)


def test_x8_texts_for_fans_who_were_not_selected_are_chosen_apart():
    selected, others = sms("selected"), sms("others", audience=Audience.NOT_SELECTED)
    assert Templates([others, selected]).choose(text()) is selected
    not_selected = Templates([selected, others], audience=Audience.NOT_SELECTED)
    assert not_selected.choose(text(market_id="", has_code=False)) is others
    nobody_wrote = Templates([selected], audience=Audience.NOT_SELECTED)
    built = built_in("sms", audience=Audience.NOT_SELECTED)
    assert nobody_wrote.choose(text(market_id="", has_code=False)) == built


def test_k3_fans_without_a_code_have_a_text_of_their_own_beside_those_with_one():
    """A market whose codes run out goes on with TM."""
    with_code = sms("{code}", market_id="west")
    without = sms("no code", audience=Audience.WITHOUT_CODE)
    both = Templates([with_code, without])
    assert both.choose(text()) is with_code
    assert both.choose(text(has_code=False)) is without
    no_code = sms("west", market_id="west")
    assert Templates([no_code]).choose(text(has_code=False)) is no_code


def test_w7_each_chosen_text_is_kept_once_with_the_languages_of_those_who_get_it():
    templates = Templates([sms("hello {code}"), sms("bonjour {code}", language="fr")])
    kept = templates.chosen_for([text("fr-CA"), text("de"), text(), text("fr")])
    found = {(each["language"], *each["languages"]): each["body"] for each in kept}
    assert found == {
        ("en", "", "de"): "hello {code}",
        ("fr", "fr", "fr-CA"): "bonjour {code}",
    }


def test_k3_a_text_that_names_the_code_is_refused_where_somebody_has_none():
    templates = Templates([sms("Your code: {code}")])
    templates.chosen_for([text()])
    with pytest.raises(BadTemplate, match="TM"):
        templates.chosen_for([text(), text(has_code=False)])
