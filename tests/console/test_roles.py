"""Five roles: what each may and may not. [O-5, W-10]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from console.models import PersonalDataAccess
from console.roles import setup_roles
from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db


def rights(role: str) -> set[str]:
    return set(member_of(role).get_all_permissions())


def test_a_viewer_looks_and_changes_nothing():
    found = rights("viewer")
    assert "campaigns.view_campaign" in found
    assert "waves.view_member" in found
    assert {name for name in found if not name.split(".")[1].startswith("view_")} == set()
    assert "campaigns.view_personal_data" not in found


def test_an_operator_prepares_and_sends_but_does_not_approve():
    found = rights("operator")
    assert {
        "waves.prepare_wave",
        "waves.send_wave",
        "campaigns.process_scores",
        "campaigns.change_market",
    } <= found
    assert (
        not {"waves.approve_wave", "waves.expedite_wave", "waves.reset_wave", "auth.change_user"}
        & found
    )


def test_an_approver_approves_but_does_not_prepare_or_send():
    found = rights("approver")
    assert {"waves.approve_wave", "waves.stop_all"} <= found
    assert not {"waves.prepare_wave", "waves.send_wave", "campaigns.change_campaign"} & found


def test_only_administrators_touch_users():
    for role in ("viewer", "operator", "approver", "analyst"):
        assert {name for name in rights(role) if name.startswith("auth.")} == set()
    assert "auth.change_user" in rights("administrator")


def test_setting_up_twice_takes_away_what_was_added_by_hand():
    setup_roles()
    viewer = Group.objects.get(name="viewer")
    before = set(viewer.permissions.values_list("pk", flat=True))
    viewer.permissions.add(*Group.objects.get(name="administrator").permissions.all())
    assert setup_roles()["viewer"] == len(before)
    assert set(viewer.permissions.values_list("pk", flat=True)) == before


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "analyst", "administrator"])
def test_every_role_gets_a_first_page_with_what_it_may_see(role):
    html = client_of(member_of(role)).get("/admin/").content.decode()
    assert "All jobs" in html
    assert ("Stop all sending" in html) == (role in {"operator", "approver", "administrator"})


def test_the_log_of_personal_data_cannot_be_rewritten():
    from django.db import IntegrityError, InternalError, OperationalError

    row = PersonalDataAccess.objects.create(
        user=member_of("viewer"), what="shown", reason="a fan called"
    )
    with pytest.raises(
        (IntegrityError, InternalError, OperationalError), match="kept as it was written"
    ):
        PersonalDataAccess.objects.filter(pk=row.pk).update(reason="nothing happened")


def test_o5_the_command_makes_the_five_roles_and_corrects_them_when_run_again():
    Group.objects.all().delete()
    call_command("setup_roles")
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.clear()
    call_command("setup_roles")
    assert viewer.permissions.exists()
    assert set(Group.objects.values_list("name", flat=True)) == {
        "viewer",
        "operator",
        "approver",
        "analyst",
        "administrator",
    }
