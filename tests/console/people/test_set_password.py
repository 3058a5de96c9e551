"""Whoever has the link chooses a password and is signed in. [O-5, O-7]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.http import urlsafe_base64_encode

from console.people import accounts, links
from console.people.accounts import Details
from console.sign_in.browsers import COOKIE
from tests.support.people import member_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
CHOSEN = {"new_password1": PASSWORD, "new_password2": PASSWORD}


@pytest.fixture
def path(settings) -> str:
    ada = member_of("administrator")
    anna = accounts.invite(Details("Anna", "a@example.com", "viewer"), username="anna", by=ada)
    return links.create(anna.pk, by=ada).url.removeprefix(settings.SITE_URL)


def test_o5_the_link_leads_to_a_password_and_into_the_site(path):
    client = Client()
    form = client.get(path).headers["Location"]
    assert form.endswith("/set-password/")  # the token is not in the address any more
    assert "Your user name is <b>anna</b>" in client.get(form).content.decode()
    answer = client.post(form, CHOSEN)
    assert answer.headers["Location"] == "/admin/"
    assert COOKIE in answer.cookies
    assert client.get("/admin/").status_code == 200


def test_o5_a_short_password_is_refused_with_a_sentence(path):
    client = Client()
    form = client.get(path).headers["Location"]
    answer = client.post(form, {"new_password1": "short", "new_password2": "short"})
    assert "at least 12 characters" in answer.content.decode()


def test_o5_a_link_opens_the_account_of_nobody_else(path):
    ben = member_of("operator", name="ben")
    of_ben = f"/set-password/{urlsafe_base64_encode(str(ben.pk).encode())}"
    client = Client()
    own_form = client.get(path).headers["Location"]
    swapped = f"{of_ben}/{path.rstrip('/').rpartition('/')[2]}/"
    for address in (swapped, f"{of_ben}/{own_form.rstrip('/').rpartition('/')[2]}/"):
        assert "does not work any more" in client.get(address).content.decode()
        assert "does not work any more" in client.post(address, CHOSEN).content.decode()
    ben.refresh_from_db()
    assert not ben.has_usable_password()


def test_o5_two_who_opened_the_same_link_choose_one_password(path):
    first, second = Client(), Client()
    forms = [client.get(path).headers["Location"] for client in (first, second)]
    first.post(forms[0], CHOSEN)
    late = second.post(
        forms[1], {"new_password1": "another one here", "new_password2": "another one here"}
    )
    assert "This link does not work any more" in late.content.decode()
    assert User.objects.get(username="anna").check_password(PASSWORD)
    assert second.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        "/set-password/x/y/",
        "/set-password/MTIz/set-password/",
        "/set-password/OTk5OTk5OTk5OTk5OTk5OTk5OTk5/a-b/",
    ],
)
def test_o5_a_wrong_link_says_what_to_do(wrong):
    html = Client().get(wrong).content.decode()
    assert "Ask an administrator to send you a new one" in html
