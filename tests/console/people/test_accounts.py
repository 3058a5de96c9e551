"""Users are made with a role, changed and deactivated. [O-5]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction

from console.people import accounts
from console.people.accounts import Details, NotAllowedNow, details_of
from operations.models import StatusChange
from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db
ANNA = Details("Anna Maria Lee", "anna@example.com", "operator")


@pytest.fixture
def ada() -> User:
    """An administrator who can sign in."""
    user = member_of("administrator")
    user.set_password("correct horse battery")
    user.save(update_fields=["password"])
    return user


def history_of(user: User) -> list[tuple[str, str, str]]:
    rows = StatusChange.objects.about(accounts.subject_of(user)).order_by("pk")
    return [(row.from_state, row.to_state, row.by.username if row.by else "") for row in rows]


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_o5_a_new_user_has_a_role_the_staff_status_and_no_password(ada):
    anna = fresh(accounts.invite(ANNA, username="", by=ada))
    assert (anna.username, anna.is_staff, details_of(anna)) == ("anna", True, ANNA)
    assert not accounts.has_password(anna)
    assert anna.has_perm("waves.prepare_wave")
    assert history_of(anna) == [("", "operator", "administrator-person")]


def test_o5_a_user_name_that_is_taken_gets_a_number(ada):
    names = [
        accounts.invite(
            Details("A", f"anna@{host}.example", "viewer"), username="", by=ada
        ).username
        for host in ("one", "two", "three")
    ]
    assert names == ["anna", "anna2", "anna3"]


def test_o5_one_email_address_has_one_user_however_it_is_written(ada):
    accounts.invite(ANNA, username="", by=ada)
    with pytest.raises(NotAllowedNow, match="taken a moment ago"):
        accounts.invite(Details("B", "Anna@Example.com", "viewer"), username="other", by=ada)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("third", "ANNA@example.com")


def test_o5_an_email_address_that_was_taken_a_moment_ago_changes_nothing(ada):
    anna = accounts.invite(ANNA, username="", by=ada)
    User.objects.create_user("third", "new@example.com")
    wanted = Details("Anna Lee", "New@example.com", "viewer")
    with pytest.raises(NotAllowedNow, match="taken a moment ago"):
        accounts.change(anna.pk, read=ANNA, wanted=wanted, by=ada)
    assert details_of(fresh(anna)) == ANNA


def test_o5_a_session_does_not_come_back_with_a_reactivated_user(ada):
    anna = accounts.invite(ANNA, username="", by=ada)
    browser, other = client_of(anna), client_of(ada)
    accounts.deactivate(anna.pk, by=ada, reason="on leave")
    assert Session.objects.count() == 1
    late = client_of(fresh(anna))  # was signing in at that moment
    accounts.reactivate(anna.pk, by=ada)
    codes = [each.get("/admin/").status_code for each in (browser, late, other)]
    assert codes == [302, 302, 200]


def test_o5_the_staff_status_goes_with_the_last_role_and_comes_back_with_one(ada):
    anna = accounts.invite(ANNA, username="", by=ada)
    none, viewer = Details(ANNA.name, ANNA.email, ""), Details(ANNA.name, ANNA.email, "viewer")
    accounts.change(anna.pk, read=ANNA, wanted=none, by=ada)
    assert (fresh(anna).is_staff, fresh(anna).get_all_permissions()) == (False, set())
    accounts.change(anna.pk, read=none, wanted=viewer, by=ada)
    assert fresh(anna).is_staff
    assert [move[:2] for move in history_of(anna)[1:]] == [
        ("operator", "no role"),
        ("no role", "viewer"),
    ]


def test_o5_s16_a_change_by_somebody_else_meanwhile_is_not_overwritten(ada):
    anna = accounts.invite(ANNA, username="", by=ada)
    approver = Details(ANNA.name, ANNA.email, "approver")
    accounts.change(anna.pk, read=ANNA, wanted=approver, by=ada)
    renamed = Details("Anna Lee", ANNA.email, ANNA.role)
    accounts.change(anna.pk, read=ANNA, wanted=renamed, by=ada)
    assert details_of(fresh(anna)) == Details("Anna Lee", ANNA.email, "approver")
    with pytest.raises(NotAllowedNow, match="changed the name and the role while you were editing"):
        accounts.change(anna.pk, read=ANNA, wanted=Details("X", "x@x.de", "viewer"), by=ada)
    assert details_of(fresh(anna)) == Details("Anna Lee", ANNA.email, "approver")


def test_o5_the_only_administrator_who_can_sign_in_keeps_role_and_account(ada):
    """Somebody who is invited but has not chosen a password does not count yet."""
    second = accounts.invite(Details("Bo", "bo@example.com", "administrator"), username="", by=ada)
    read = details_of(ada)
    for wanted in ("", "viewer"):
        with pytest.raises(NotAllowedNow, match="only administrator"):
            accounts.change(ada.pk, read=read, wanted=Details("", "", wanted), by=ada)
    with pytest.raises(NotAllowedNow, match="only administrator"):
        accounts.deactivate(ada.pk, by=ada, reason="leaving")
    assert (fresh(ada).is_active, details_of(fresh(ada)).role) == (True, "administrator")
    second.set_password("correct horse battery")
    second.save(update_fields=["password"])
    accounts.deactivate(ada.pk, by=second, reason="leaving")
    assert not fresh(ada).is_active


def test_o5_a_superuser_who_cannot_enter_the_site_is_no_other_administrator(ada):
    other = User.objects.create_superuser("root", password="correct horse battery")
    User.objects.filter(pk=other.pk).update(is_staff=False)
    with pytest.raises(NotAllowedNow, match="only administrator"):
        accounts.deactivate(ada.pk, by=ada, reason="leaving")
    User.objects.filter(pk=other.pk).update(is_staff=True)
    accounts.deactivate(ada.pk, by=ada, reason="leaving")


def test_o5_whoever_lost_the_right_while_waiting_changes_nothing(ada):
    anna = accounts.invite(ANNA, username="", by=ada)
    ada.groups.clear()
    for change in (
        lambda: accounts.invite(Details("C", "c@example.com", "viewer"), username="", by=ada),
        lambda: accounts.deactivate(anna.pk, by=ada, reason="no reason"),
        lambda: accounts.reactivate(anna.pk, by=ada),
        lambda: accounts.change(anna.pk, read=ANNA, wanted=Details("", "", ""), by=ada),
    ):
        with pytest.raises(NotAllowedNow, match="not an administrator any more"):
            change()
    assert details_of(fresh(anna)) == ANNA


def test_o5_a_deactivated_user_comes_back_with_the_same_role(ada):
    anna = accounts.invite(ANNA, username="", by=ada)
    accounts.deactivate(anna.pk, by=ada, reason="on leave")
    assert not fresh(anna).is_active
    with pytest.raises(NotAllowedNow, match="deactivated already"):
        accounts.deactivate(anna.pk, by=ada, reason="on leave")
    accounts.reactivate(anna.pk, by=ada)
    assert (fresh(anna).is_active, details_of(fresh(anna))) == (True, ANNA)
    assert [move[1] for move in history_of(anna)] == ["operator", "deactivated", "active"]
