"""The form of message templates. [N-1]"""

from __future__ import annotations

import pytest

from tests.support.waves import campaign_with
from waves.forms import TemplateForm

pytestmark = pytest.mark.django_db
TEXTS = {"channel": "sms", "language": "en", "audience": "selected", "body": "{campaign}: {code}"}
EMAIL = TEXTS | {"channel": "email", "subject": "Hello"}


def errors(**values):
    return set(TemplateForm(TEXTS | values).errors)


def asked(**values) -> list[str]:
    return TemplateForm(values).non_field_errors()


def test_n1_a_template_with_known_placeholders_is_taken():
    assert errors() == set()


@pytest.mark.parametrize("body", ["{codes}", "{code", "{code!r}"])
def test_n1_an_unknown_placeholder_is_refused_when_it_is_saved(body):
    assert errors(body=body) == {"body"}


def test_n1_an_sms_has_neither_a_subject_nor_html():
    assert errors(subject="Hello") == errors(html="<b>Hello</b>") == {"subject"}


def test_a_channel_or_audience_that_is_none_is_refused():
    assert errors(channel="fax") == {"channel"}
    assert errors(audience="all") == {"audience"}


def test_n1_an_email_needs_a_subject():
    assert errors(channel="email") == errors(channel="email", subject=" ") == {"subject"}
    assert errors(channel="email", subject="Hello") == set()


def test_c4_a_language_is_stored_in_its_canonical_case_and_what_is_none_is_refused():
    form = TemplateForm(TEXTS | {"language": "PT_br"})
    assert (form.is_valid(), form.cleaned_data["language"]) == (True, "pt-BR")
    assert errors(language="english") == {"language"}


def test_n1_a_market_of_another_campaign_is_refused():
    one, two = campaign_with(1), campaign_with(1)
    market = one.markets.first()
    assert errors(campaign=one.pk, market=market.pk) == set()
    assert errors(campaign=two.pk, market=market.pk) == {"market"}


def test_x8_fans_who_were_not_selected_have_no_market_and_no_code():
    campaign = campaign_with(1)
    own = {"campaign": campaign.pk, "audience": "not_selected", "body": "sorry"}
    assert errors(**own) == set()
    assert errors(**own, market=campaign.markets.first().pk) == {"market"}
    assert errors(**own | {"body": "{code}"}) == {"body"}


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        (TEXTS | {"body": "hi"}, "the text of"),
        (EMAIL | {"body": "hi", "html": "<b>hi</b>"}, "the text and the HTML of"),
        (EMAIL | {"html": "<b>hi</b>"}, "the HTML of"),
    ],
)
def test_n1_a_text_without_the_code_is_saved_only_when_that_is_confirmed(values, parts):
    (said,) = asked(**values)
    assert f"{parts} this message does not contain {{code}}" in said
    form = TemplateForm(values)
    form.is_valid()
    assert 'type="checkbox"' in str(form["without_code"])
    assert asked(**values, without_code="agreed") == []


@pytest.mark.parametrize(("source", "sentences"), [("tm", 0), ("own|tm", 1), ("own", 1)])
def test_k3_no_code_is_asked_for_where_the_campaign_has_none(source, sentences):
    campaign = campaign_with(1, code_source=source)
    assert len(asked(**TEXTS | {"body": "hi", "campaign": campaign.pk})) == sentences
    assert asked(**TEXTS | {"body": "hi", "audience": "without_code"}) == []


def test_n1_a_new_template_starts_with_the_built_in_text():
    form = TemplateForm()
    assert "{code}" in form["body"].value()
    assert "{code}" not in (TemplateForm(TEXTS | {"body": ""})["body"].value() or "")
