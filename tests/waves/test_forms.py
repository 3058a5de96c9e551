"""The form of message templates. [N-1]"""

from __future__ import annotations

import pytest

from tests.support.waves import campaign_with
from waves.forms import TemplateForm

pytestmark = pytest.mark.django_db
TEXTS = {"channel": "sms", "language": "en", "audience": "selected", "body": "{campaign}: {code}"}


def errors(**values):
    return set(TemplateForm(TEXTS | values).errors)


def test_n1_a_template_with_known_placeholders_is_taken():
    assert errors() == set()


@pytest.mark.parametrize("body", ["{codes}", "{code", "{code!r}"])
def test_n1_an_unknown_placeholder_is_refused_when_it_is_saved(body):
    assert errors(body=body) == {"body"}


def test_n1_an_sms_has_neither_a_subject_nor_html():
    assert errors(subject="Hello") == errors(html="<b>Hello</b>") == {"subject"}


def test_n1_a_market_of_another_campaign_is_refused():
    one, two = campaign_with(1), campaign_with(1)
    market = one.markets.first()
    assert errors(campaign=one.pk, market=market.pk) == set()
    assert errors(campaign=two.pk, market=market.pk) == {"market"}
