"""What is wrong with a name, an e-mail address or a role is said beside the field. [O-5]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from console.people.forms import EditForm, InvitationForm

pytestmark = pytest.mark.django_db
GOOD = {"name": "Anna Lee", "email": "anna@example.com", "role": "viewer", "username": ""}


@pytest.fixture(autouse=True)
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.com")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "", "Enter a value"),
        ("name", "a" * 151, "at most 150"),
        ("name", "Anna\nLee", "Remove line breaks"),
        ("name", "Anna\0", "Remove the NUL"),
        ("email", "", "Enter a value"),
        ("email", "anna", "Enter an e-mail address"),
        ("email", "anna@example.com, eve@example.com", "Enter an e-mail address"),
        ("email", "=?utf-8?q?eve=40x.de?=@example.com", "Enter an e-mail address"),
        ("email", "anna@example.com\r\nBcc: eve@example.com", "Enter an e-mail address"),
        ("email", "anna\0@example.com", "Remove the NUL"),
        ("email", "BOB@Example.COM", "The user bob already has this e-mail address"),
        ("email", f"{'a' * 250}@example.com", "at most 254"),
        ("role", "", "Choose one"),
        ("role", "superuser", "not in the list"),
        ("username", "Bob", "already a user named"),
        ("username", "anna lee", "letters, digits"),
        ("username", "<script>", "letters, digits"),
        ("username", "a@b", "before the @"),
        ("username", "a" * 151, "at most 150"),
    ],
)
def test_o5_a_bad_value_is_said_beside_its_field_and_nowhere_else(field, value, says):
    form = InvitationForm(GOOD | {field: value})
    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert says in str(form.errors[field])


def test_o5_the_email_address_is_kept_in_one_spelling():
    form = InvitationForm(GOOD | {"email": " Anna@Bücher.Example "})
    assert form.is_valid(), form.errors
    assert form.details().email == "anna@xn--bcher-kva.example"


def test_o5_an_email_address_that_is_another_users_name_is_refused_and_ones_own_is_not():
    root = User.objects.create_user("Root@example.com", "ops@example.com")
    data = GOOD | {"email": "root@example.com"}
    form = InvitationForm(data)
    assert "has this as their user name" in str(form.errors["email"])
    own = EditForm(data, user=root)
    assert own.is_valid(), own.errors


def test_o5_a_user_may_keep_their_own_email_address(bob):
    data = {"name": "Bob", "email": "bob@example.com", "role": ""}
    form = EditForm(data | {"read_role": "viewer"}, user=bob)
    assert form.is_valid(), form.errors
    assert (form.read().role, form.details().role) == ("viewer", "")
