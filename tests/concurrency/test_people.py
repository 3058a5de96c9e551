"""Two administrators remove each other at once: one of them stays. [O-5]"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from console.people import accounts
from operations.errors import Refusal
from tests.concurrency.test_campaign_and_waves import somebody_waits_for_a_lock
from tests.support.processes import Process
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def removed(name: str, by: str) -> dict[str, Any]:
    """In a process of its own."""
    users = {user.username: user for user in User.objects.all()}
    try:
        accounts.deactivate(users[name].pk, by=users[by], reason="cleaning up")
    except Refusal as refusal:
        return {"refused": str(refusal)}
    return {"refused": ""}


def test_o5_two_administrators_who_remove_each_other_at_once_leave_one():
    for name in ("ada", "bea"):
        user = User.objects.create_user(name, password="correct horse battery", is_staff=True)
        user.groups.add(Group.objects.get(name="administrator"))
    held = Process(removed, "ada", "bea", halted_at="console.people.accounts:record_move")
    held.expect("halted")  # removed, not committed
    other = Process(removed, "bea", "ada")
    wait_until(
        lambda: somebody_waits_for_a_lock() or not other.is_running, "the second administrator"
    )
    held.go_on()
    assert held.result()["refused"] == ""
    assert "not an administrator any more" in other.result()["refused"]
    assert list(accounts.administrators().values_list("username", flat=True)) == ["bea"]
