"""One-time links: mailed or shown, used once, for a limited time. [O-5]"""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.core import mail

from console.people import accounts, links
from console.people.accounts import Details, NotAllowedNow
from tests.support.people import member_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def ada() -> User:
    return member_of("administrator")


@pytest.fixture
def anna(ada) -> User:
    details = Details("Anna Lee", "anna@example.com", "operator")
    return accounts.invite(details, username="", by=ada)


def token(link: links.Link) -> str:
    return link.url.rstrip("/").rpartition("/")[2]


def test_o5_the_invitation_says_who_invited_the_user_name_the_role_and_the_link(ada, anna):
    link = links.create(anna.pk, by=ada)
    assert link.is_invitation
    assert links.mail(link, by=ada)
    (sent,) = mail.outbox
    assert sent.to == ["anna@example.com"]
    for part in ("Anna Lee", "administrator-person", "user name is anna", "operator", link.url):
        assert part in sent.body
    assert "72 hours" in sent.body


def test_o5_whatever_the_backend_raises_the_link_is_there_to_be_shown(ada, anna, monkeypatch):
    monkeypatch.setattr(links, "get_connection", Mock(side_effect=LookupError("no such account")))
    assert not links.mail(links.create(anna.pk, by=ada), by=ada)


def test_o5_a_link_works_once(ada, anna):
    link = links.create(anna.pk, by=ada)
    assert links.use(anna.pk, token(link), PASSWORD) == anna
    assert links.use(anna.pk, token(link), "another password") is None
    assert User.objects.get(pk=anna.pk).check_password(PASSWORD)


def test_o5_a_new_invitation_ends_the_one_before(ada, anna):
    first, second = (links.create(anna.pk, by=ada) for _ in range(2))
    assert links.use(anna.pk, token(first), PASSWORD) is None
    assert links.use(anna.pk, token(second), PASSWORD) == anna


def test_o5_a_link_expires(ada, anna, settings):
    assert links.hours() == 72
    link = links.create(anna.pk, by=ada)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert links.use(anna.pk, token(link), PASSWORD) is None


def test_o5_somebody_deactivated_gets_no_link_and_cannot_use_an_old_one(ada, anna):
    link = links.create(anna.pk, by=ada)
    User.objects.filter(pk=anna.pk).update(is_active=False)
    assert links.use(anna.pk, token(link), PASSWORD) is None
    with pytest.raises(NotAllowedNow, match="Reactivate the user first"):
        links.create(anna.pk, by=ada)


def test_o5_a_link_does_not_come_back_with_a_reactivated_user(ada, anna):
    anna.set_password(PASSWORD)
    anna.save(update_fields=["password"])
    link = links.create(anna.pk, by=ada)
    accounts.deactivate(anna.pk, by=ada, reason="on leave")
    accounts.reactivate(anna.pk, by=ada)
    assert links.use(anna.pk, token(link), "another password") is None
    assert links.use(anna.pk, token(links.create(anna.pk, by=ada)), "another password") == anna


def test_o5_without_a_link_no_user_is_made(ada, monkeypatch):
    def refuse(pk: int, *, by: User) -> links.Link:
        raise NotAllowedNow("You are not an administrator any more. Nothing was changed.")

    monkeypatch.setattr(links, "create", refuse)
    with pytest.raises(NotAllowedNow):
        links.create_for_new(Details("Bo", "bo@example.com", "viewer"), username="", by=ada)
    assert not User.objects.filter(email="bo@example.com").exists()


def test_o5_a_mail_server_that_does_not_answer_is_said_and_logged_without_the_address(
    ada, anna, settings, caplog
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert links.is_mail_configured()
    assert not links.mail(links.create(anna.pk, by=ada), by=ada)
    assert "could not be e-mailed" in caplog.text
    assert "anna" not in caplog.text


def test_o5_mails_that_are_written_to_files_reach_no_one(settings):
    for name in ("filebased", "console", "dummy"):
        settings.EMAIL_BACKEND = f"django.core.mail.backends.{name}.EmailBackend"
        assert not links.is_mail_configured()
