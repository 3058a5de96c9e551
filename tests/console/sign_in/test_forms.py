"""Signing in is refused in the same words whatever is wrong. [O-7]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory

from console.sign_in.forms import OwnPasswordForm, SignInForm
from tests.support.people import staff

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def form(username: str, password: str = PASSWORD) -> SignInForm:
    return SignInForm(RequestFactory().post("/"), {"username": username, "password": password})


@pytest.fixture(autouse=True)
def anna(db: None) -> User:
    return User.objects.create_user("anna", "anna@example.com", PASSWORD)


def test_o7_the_user_name_or_the_email_address_signs_in_also_without_a_role():
    for name in ("anna", "anna@example.com", "Anna@Example.COM"):
        assert form(name).is_valid(), name


def test_o7_a_user_name_is_never_taken_over_by_another_users_email_address():
    root = User.objects.create_superuser("root@example.com", password=PASSWORD)
    User.objects.create_user("invited", "root@example.com", "another password")
    signed_in = form("root@example.com")
    assert signed_in.is_valid(), signed_in.errors
    assert signed_in.get_user() == root


def test_o7_a_wrong_password_an_unknown_and_a_deactivated_user_read_the_same():
    User.objects.create_user("bob", password=PASSWORD, is_active=False)
    said = {
        str(form(*typed).errors)
        for typed in [("anna", "wrong"), ("nobody", "wrong"), ("no@example.com", "x"), ("bob",)]
    }
    assert len(said) == 1
    assert "The user name or the password is incorrect." in said.pop()


def test_o7_a_user_who_does_not_exist_is_locked_out_like_one_who_does():
    said = set()
    for name in ("anna", "nobody"):
        for _ in range(5):
            assert not form(name, "wrong").is_valid()
        locked = form(name)
        assert not locked.is_valid()
        assert 890 < locked.retry_after_seconds <= 900
        said.add(str(locked.errors["__all__"]))
    assert len(said) == 1


def test_o7_a_lock_out_does_not_tell_whose_an_email_address_is():
    for _ in range(5):
        assert not form("anna@example.com", "wrong").is_valid()
    locked = form("Anna@example.com")
    assert not locked.is_valid()
    assert locked.retry_after_seconds > 890
    assert form("anna").is_valid()


def test_o7_a_name_too_long_or_a_password_missing_is_no_attempt():
    from console.models import SignInCounter

    assert not form("a" * 300).is_valid()
    assert not form("anna", "").is_valid()
    assert not SignInCounter.objects.exists()


def test_o5_changing_ones_password_writes_back_nothing_else():
    """Somebody who is deactivated meanwhile stays deactivated."""
    user = staff("carl")
    user.set_password("old password of carl")
    user.save(update_fields=["password"])
    User.objects.filter(pk=user.pk).update(is_active=False)
    own = OwnPasswordForm(
        user,
        {
            "old_password": "old password of carl",
            "new_password1": "a new one, longer",
            "new_password2": "a new one, longer",
        },
    )
    assert own.is_valid(), own.errors
    own.save()
    user.refresh_from_db()
    assert not user.is_active
    assert user.check_password("a new one, longer")
