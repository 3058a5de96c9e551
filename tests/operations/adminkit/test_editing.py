from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.contrib.admin.sites import site
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import ListEntry
from operations.adminkit.editing import LockedEditing, changed_columns, text_of
from operations.adminkit.listing import ReadOnlyAdmin
from tests.support.forms import form_of
from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db

LISTS = "/admin/campaigns/listentry/"


@pytest.fixture
def client():
    return client_of(member_of("administrator"))


@pytest.fixture
def entry():
    return ListEntry.objects.create(kind="blacklist", pattern="@bad.example", note="as read")


def address(entry: ListEntry) -> str:
    return f"{LISTS}{entry.pk}/change/"


def test_only_what_the_editor_changed_is_written_and_the_row_is_locked_first(client, entry):
    """S-16"""
    data = form_of(client, address(entry))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.post(address(entry), data | {"note": "by legal"}).status_code == 302
    statements = [query["sql"] for query in queries if "campaigns_listentry" in query["sql"]]
    (update,) = (sql for sql in statements if sql.startswith("UPDATE"))
    assert "by legal" in update
    assert "@bad.example" not in update
    locked = next(n for n, sql in enumerate(statements) if sql.endswith("FOR NO KEY UPDATE"))
    assert locked < statements.index(update)


def test_nothing_is_written_where_nothing_was_changed(client, entry):
    with CaptureQueriesContext(connection) as queries:
        client.post(address(entry), form_of(client, address(entry)))
    assert not [q for q in queries if q["sql"].startswith('UPDATE "campaigns_listentry"')]


def test_the_second_of_two_editors_is_told_what_changed_and_by_whom(client, entry):
    """S-16"""
    read_by_both = form_of(client, address(entry))
    other = client_of(User.objects.create_superuser("ann"))
    other.post(address(entry), read_by_both | {"note": "by legal"})
    answer = client.post(address(entry), read_by_both | {"pattern": "@worse.example"})
    html = answer.content.decode()
    assert "ann saved changes at" in html
    assert "while you were editing: Note (now “by legal”). Your changes were not saved." in html
    entry.refresh_from_db()
    assert (entry.pattern, entry.note) == ("@bad.example", "by legal")


def test_a_change_that_no_form_made_is_told_too(client, entry):
    data = form_of(client, address(entry))
    ListEntry.objects.filter(pk=entry.pk).update(note="by a program")
    html = client.post(address(entry), data).content.decode()
    assert "Someone saved changes while you were editing" in html


@pytest.mark.parametrize("as_read", [None, "", "{", "[]", '"x"'])
def test_a_form_that_does_not_say_what_its_reader_saw_saves_nothing(client, entry, as_read):
    data = form_of(client, address(entry)) | {"note": "blind"}
    data.pop("as_read")
    data |= {} if as_read is None else {"as_read": as_read}
    assert "This page is incomplete" in client.post(address(entry), data).content.decode()
    entry.refresh_from_db()
    assert entry.note == "as read"


def test_every_list_whose_rows_can_be_edited_edits_them_under_their_lock():
    """S-16"""
    editable = {
        model.__name__
        for model, model_admin in site._registry.items()
        if not isinstance(model_admin, ReadOnlyAdmin | LockedEditing)
        and type(model_admin).has_change_permission is admin.ModelAdmin.has_change_permission
    }
    assert editable == set()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "empty"),
        ("", "empty"),
        ([], "empty"),
        (True, "yes"),
        (0, "0"),
        (0.22, "0.22"),
        (["US", "CA"], "US, CA"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02 03:04:00 UTC"),
    ],
)
def test_values_are_shown_as_people_read_them(value, text):
    assert text_of(value) == text


def test_rows_of_a_relation_are_the_same_in_any_order():
    one, other = User(username="ann"), User(username="bob")
    assert text_of([other, one]) == text_of([one, other]) == "ann, bob"


def test_only_columns_of_the_row_itself_are_written():
    assert changed_columns(User(), ["groups", "as_read", "first_name"]) == ["first_name"]
