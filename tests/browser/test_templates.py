"""A template is written: what fans will read follows while one types. [N-1]"""

from __future__ import annotations

import pytest

from tests.browser.conftest import Person
from tests.support.waves import campaign_with
from waves.models import Template

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_n1_a_template_is_written_beside_its_preview(sign_in, settings):
    settings.TEST_RECIPIENTS = ["ann@band.example", "+12065550100"]
    campaign = campaign_with(3, default_language="pt-BR")
    operator: Person = sign_in("operator")
    page = operator.go(f"/admin/waves/template/add/?campaign={campaign.pk}")
    preview = page.get_by_label("Preview")
    preview.get_by_text("1 segment").wait_for()
    assert page.input_value("[name=language]") == "pt-BR"
    page.fill("[name=body]", "Você: ")
    page.click("button:text-is('code')")
    preview.get_by_text("Você: A7KX29QWER").wait_for()
    preview.get_by_text("(latin small letter e with circumflex, U+00EA) makes it UCS-2").wait_for()
    operator.picture("template-sms")

    page.fill("[name=body]", "")
    page.select_option("[name=channel]", "email")
    preview.frame_locator("iframe").get_by_text("Good news!").wait_for()
    html = page.input_value("[name=html]")
    page.fill("[name=html]", f"<script>document.body.textContent = 'ran'</script>{html}")
    page.fill("[name=subject]", "Olá {market}")
    preview.get_by_text("Olá West").wait_for()
    assert "Good news!" in preview.frame_locator("iframe").locator("body").inner_text()
    page.click("text=Send test message")
    page.get_by_text("was handed to the provider").wait_for()
    page.get_by_text("e-mail to ann@band.example in pt-BR").wait_for()
    operator.picture("template-email")

    page.fill("[name=body]", "no code here")
    page.click("[name=_save]")
    page.wait_for_selector("text=does not contain {code}")
    operator.picture("template-without-code")
    page.check("[name=without_code]")
    page.click("[name=_save]")
    page.wait_for_selector("text=was added successfully")
    assert Template.objects.get().language == "pt-BR"
    blocked = [said for said in operator.complaints if "Blocked script execution" in said]
    assert blocked
    operator.complaints[:] = [said for said in operator.complaints if said not in blocked]
