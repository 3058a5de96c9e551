"""Who may run which command: `--by` is asked what the page asks, before any work. [O-5]"""

from __future__ import annotations

import io
import json
import logging
import os
import pwd
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import load_command_class

from operations.entry import command_rights
from operations.entry.command_rights import acting_user, is_service_account, service_account
from operations.errors import CommandRefused
from operations.models import StatusChange
from tests.support.people import member_of, staff
from tests.test_wiring import COMMANDS, documented_rights
from waves import rights

pytestmark = pytest.mark.django_db

ROLES = ("viewer", "operator", "approver", "analyst", "administrator")
APPS = dict(COMMANDS)


def refusal(name: str, permissions: tuple[str, ...] = rights.APPROVE) -> str:
    with pytest.raises(CommandRefused) as refused:
        acting_user(name, "approve_wave", permissions)
    return str(refused.value)


def test_o5_a_user_with_the_right_acts():
    bob = member_of("approver")
    assert acting_user(bob.username, "approve_wave", rights.APPROVE) == bob


@pytest.mark.parametrize(
    ("unfit", "why"),
    [
        ({"is_active": False}, "There is no active user 'root'."),
        ({"is_staff": False}, "User root may not use the site."),
        (None, "There is no active user 'root'."),
    ],
)
def test_o5_who_could_not_sign_in_may_run_nothing_whatever_their_rights(unfit, why):
    """[O-5]"""
    if unfit is not None:
        member_of("administrator", name="root")
        User.objects.filter(username="root").update(is_superuser=True, **unfit)
    assert refusal("root") == (
        f"{why} approve_wave needs the rights “Can approve waves” (waves.approve_wave) and “Can view wave”"
        " (waves.view_wave). An administrator gives rights on the Users page."
    )


def test_o5_a_refusal_names_the_right_that_is_missing_and_is_logged_with_ids_alone(caplog):
    """[O-5]"""
    ann = member_of("operator", name="ann@example.com")
    with caplog.at_level(logging.WARNING):
        assert refusal("ann@example.com") == (
            "User ann@example.com does not have permission to run approve_wave. approve_wave"
            " needs the right “Can approve waves” (waves.approve_wave). An administrator gives"
            " rights on the Users page."
        )
        refusal("eve@example.com")
    known, unknown = caplog.records
    assert (known.command, known.user, known.missing) == (
        "approve_wave",
        ann.pk,
        "waves.approve_wave",
    )
    assert (unknown.user, unknown.uid) == (None, os.getuid())
    assert "example.com" not in str([vars(record) for record in caplog.records])


def test_o5_rights_of_several_roles_add_up():
    """[O-5]"""
    both = member_of("operator", "approver", name="both")
    for needed in (rights.PREPARE, rights.APPROVE):
        assert acting_user("both", "any", needed) == both
    assert "waves.expedite_wave" in refusal("both", ("waves.expedite_wave",))
    both.groups.remove(Group.objects.get(name="approver"))
    assert "waves.approve_wave" in refusal("both")


def test_o5_without_a_name_the_operating_systems_user_is_written_down():
    """It is one row however often it acts, and nobody can sign in with it. [O-5]"""
    account = acting_user(None, "consume", rights.SEND)
    assert account.username == f"os:{pwd.getpwuid(os.getuid()).pw_name}"
    assert service_account() == account
    assert is_service_account(account)
    assert not is_service_account(staff("ann"))
    assert (account.is_active, account.has_usable_password()) == (False, False)
    User.objects.filter(pk=account.pk).update(is_active=True, is_staff=True, is_superuser=True)
    assert "no active user" in refusal(account.username)


def test_o5_an_operating_systems_user_without_a_name_has_its_number(monkeypatch):
    """As in a container. [O-5]"""

    def unknown(uid: int) -> Any:
        raise KeyError(uid)

    monkeypatch.setattr(command_rights.pwd, "getpwuid", unknown)
    assert service_account().username == f"os:{os.getuid()}"


def run(name: str, by: str | None) -> str:
    """What the command does for this user with its work left out: `done`, or the refusal."""
    command = load_command_class(APPS[name], name)
    asked: list[User] = []
    command.run = lambda **options: asked.append(options["by"]) or {}  # type: ignore[method-assign]
    command.stdout, command.stderr = io.StringIO(), io.StringIO()  # type: ignore[assignment]
    code = 0
    try:
        command.handle(json=True, by=by)
    except SystemExit as end:
        code = int(end.code or 0)
    if not asked:
        assert code == 1
        return str(json.loads(command.stdout.getvalue())["error"])
    assert [user.username for user in asked] == [by or service_account().username]
    return "done"


def test_o5_each_command_is_allowed_to_the_roles_that_the_guide_names_and_refused_to_the_others():
    """[O-5]"""
    people = {role: member_of(role).username for role in ROLES} | {"none": staff("new").username}
    found = {
        name: [role for role, by in people.items() if run(name, by) == "done"]
        for name in documented_rights()
    }
    assert found == {name: list(row.roles) for name, row in documented_rights().items()}


@pytest.mark.parametrize("name", ["merge_avro", "run_scheduler", "find_code"])
def test_o5_work_that_names_no_user_leaves_the_run_in_the_history(name):
    """[O-5]"""
    root = member_of("administrator").username
    assert "operations.change_job" in run("consume", member_of("viewer").username)
    assert not StatusChange.objects.exists()
    run(name, root)
    run(name, None)
    assert list(StatusChange.objects.order_by("id").values_list("subject_id", "by__username")) == [
        (name, root),
        (name, service_account().username),
    ]
