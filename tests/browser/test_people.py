"""A new person is invited, chooses a password, and sees what the role may. [O-5]"""

from __future__ import annotations

import re

import pytest
from django.core import mail

from tests.browser.conftest import PASSWORD, Person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_o5_a_new_person_is_invited_signs_in_and_sees_what_the_role_may(
    sign_in, live_server, settings
):
    settings.SITE_URL = live_server.url
    admin: Person = sign_in("administrator", by_form=True)
    page = admin.go("/admin/auth/user/")
    admin.picture("users")
    page.click("text=Invite a user")
    page.fill("#id_name", "Nora Vale")
    page.fill("#id_email", "Nora@Example.com")
    page.check("text=Viewer: sees everything")
    admin.picture("invite-user")
    page.click("button:text-is('Invite')")
    page.wait_for_selector("text=was sent to nora@example.com")
    admin.picture("user")

    nora: Person = sign_in("")
    nora.page.goto(re.search(r"http\S+/set-password/\S+", mail.outbox[0].body)[0])
    nora.picture("choose-password")
    nora.page.fill("#id_new_password1", PASSWORD)
    nora.page.fill("#id_new_password2", PASSWORD)
    nora.page.click("text=Save and sign in")
    nora.page.wait_for_url("**/admin/")
    nora.page.wait_for_selector("a[href='/admin/campaigns/campaign/']")
    assert nora.page.locator("text=Stop all sending").count() == 0
    assert nora.page.locator("a[href='/admin/auth/user/']").count() == 0

    admin.page.check("text=No role: cannot see any page")
    admin.page.click("button:text-is('Save')")
    admin.page.wait_for_selector("text=The changes were saved.")
    nora.go("/admin/campaigns/campaign/")
    nora.picture("no-role")
    assert "You do not have a role yet" in nora.page.inner_text("body")
    nora.complaints.remove(next(said for said in nora.complaints if "403" in said))
    nora.page.click("text=Sign out")
    nora.page.wait_for_selector("text=Log in")
