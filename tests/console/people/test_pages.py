"""Users are invited and changed on pages of their own, by administrators. [O-5, O-7]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core import mail

from console.people import accounts
from console.sign_in import attempts
from console.sign_in.attempts import account_key, attempt_at
from operations.entry.command_rights import service_account
from operations.models import StatusChange

pytestmark = pytest.mark.django_db
INVITE = "/admin/users/invite/"
ANNA = {"name": "Anna Lee", "email": "anna@example.com", "role": "operator", "username": ""}


@pytest.fixture
def anna(client) -> User:
    client.post(INVITE, ANNA)
    return User.objects.get(username="anna")


def form_of(client, user: User) -> dict[str, str]:
    """What the page of a user carries when it is opened."""
    form = client.get(f"/admin/users/{user.pk}/").context["form"]
    return {name: form.initial.get(name, "") for name in form.fields}


def test_o5_an_invitation_is_mailed_and_nothing_is_shown(client):
    page = client.get(INVITE).content.decode()
    assert "permission" not in page.lower()
    assert "Operator: edits campaigns" in page
    answer = client.post(INVITE, ANNA, follow=True)
    assert "was sent to anna@example.com" in answer.content.decode()
    (sent,) = mail.outbox
    assert "/set-password/" in sent.body
    assert "/set-password/" not in answer.content.decode()


def test_o5_without_mail_the_link_is_shown_once(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    answer = client.post(INVITE, ANNA)
    html = answer.content.decode()
    assert "does not send e-mails to users" in html
    assert f'value="{settings.SITE_URL}/set-password/' in html
    assert "no-store" in answer.headers["Cache-Control"]
    user = User.objects.get(username="anna")
    assert "/set-password/" not in client.get(f"/admin/users/{user.pk}/").content.decode()
    again = client.post(f"/admin/users/{user.pk}/link/").content.decode()
    assert f'value="{settings.SITE_URL}/set-password/' in again


def test_o5_a_bad_value_is_said_on_the_form_and_makes_no_one(client):
    answer = client.post(INVITE, ANNA | {"email": "anna"})
    assert "Enter an e-mail address" in answer.content.decode()
    assert not User.objects.filter(first_name="Anna").exists()
    assert mail.outbox == []


def test_o5_name_email_and_role_are_changed_on_one_form_and_stand_in_the_history(client, anna):
    answer = client.post(
        f"/admin/users/{anna.pk}/", form_of(client, anna) | {"role": "approver"}, follow=True
    )
    html = answer.content.decode()
    assert "The changes were saved." in html
    assert accounts.role_of(User.objects.get(pk=anna.pk)) == "approver"
    moves = StatusChange.objects.filter(subject_kind="user", subject_id="anna").order_by("pk")
    assert [(row.from_state, row.to_state) for row in moves][-1] == ("operator", "approver")
    assert "Operator → <b>Approver</b>" in html
    assert {row.by.username for row in moves} == {"administrator-person"}


def test_o5_s16_a_form_that_was_read_before_anothers_change_says_so(client, anna):
    old = form_of(client, anna)
    client.post(f"/admin/users/{anna.pk}/", old | {"role": "approver"})
    answer = client.post(f"/admin/users/{anna.pk}/", old | {"role": "viewer"})
    assert "changed the role while you were editing" in answer.content.decode()
    assert accounts.role_of(User.objects.get(pk=anna.pk)) == "approver"


def test_o5_a_user_is_deactivated_with_a_reason_and_reactivated(client, anna):
    here = f"/admin/users/{anna.pk}/"
    assert "at least 5" in client.post(f"{here}deactivate/", follow=True).content.decode()
    done = client.post(f"{here}deactivate/", {"reason": "left the firm"}, follow=True)
    assert "signed out everywhere" in done.content.decode()
    assert "Reactivate the user first" in client.post(f"{here}link/", follow=True).content.decode()
    assert "active again" in client.post(f"{here}reactivate/", follow=True).content.decode()
    assert User.objects.get(pk=anna.pk).is_active


def test_o7_a_user_who_is_locked_out_is_let_in_again_by_an_administrator(client, anna):
    account = account_key("anna")
    for _ in range(5):
        attempt = attempt_at(account, address="192.0.2.1", browser=None)
        attempts.begin(attempt, account=account)
    here = f"/admin/users/{anna.pk}/"
    assert "5 in the last 24 hours" in client.get(here).content.decode()
    client.post(f"{here}forget/")
    assert "0 in the last 24 hours" in client.get(here).content.decode()


def test_o5_the_list_shows_roles_and_states_and_leads_to_the_pages(client, anna):
    html = client.get("/admin/auth/user/").content.decode()
    assert "Invite a user" in html
    assert "anna@example.com" in html
    assert "operator" in html
    change = client.get(f"/admin/auth/user/{anna.pk}/change/")
    assert change.headers["Location"] == f"/admin/users/{anna.pk}/"
    assert client.get("/admin/auth/user/add/").status_code == 403


def test_o5_a_service_account_is_nobody_who_could_be_let_in(client):
    account = service_account()
    assert account.username not in client.get("/admin/auth/user/").content.decode()
    here = f"/admin/users/{account.pk}/"
    assert client.get(here).status_code == 404
    for step in ("link", "reactivate"):
        assert client.post(f"{here}{step}/").status_code == 404, step
    account.refresh_from_db()
    assert not account.is_active


def test_o5_no_one_else_sees_or_changes_users(operator, anna):
    for address in (INVITE, f"/admin/users/{anna.pk}/", "/admin/auth/user/", "/admin/roles/"):
        assert operator.get(address).status_code == 403, address
    for step in ("link", "deactivate", "reactivate", "forget"):
        assert operator.post(f"/admin/users/{anna.pk}/{step}/").status_code == 403, step


def test_o5_the_roles_page_says_what_each_role_may(client):
    html = client.get("/admin/roles/").content.decode()
    assert "Approve waves" in html
    assert "approver" in html.lower()
