"""Rows that faults of earlier versions left do not stop a migration: what can be repaired is, and the
rest fails and says why. [S-10, C-2, K-6, O-5]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import pytest
from django.contrib.auth.models import Group, User
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from campaigns.models import Campaign, Market, ScoreFile
from operations.database.statements import run
from operations.models import StatusChange
from tests.support.waves import NOW, campaign_with, person, request
from waves.models import Wave
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db

EMPTY_ROSTER = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@contextmanager
def before(app: str, name: str) -> Iterator[None]:
    """Rows are changed as they were before this migration, which is then applied to them."""
    loader = MigrationLoader(connection)
    state = loader.project_state((app, name), at_end=False)
    with connection.schema_editor() as editor:
        run("SET CONSTRAINTS ALL IMMEDIATE")
        loader.get_migration(app, name).unapply(state.clone(), editor)
    yield
    with connection.schema_editor() as editor:
        loader.get_migration(app, name).apply(state.clone(), editor)


ONE_USER_PER_EMAIL = ("console", "0002_failed_sign_ins_and_one_user_per_email")


def change(model: type, pk: int, **values: object) -> None:
    columns = ", ".join(f"{name} = %({name})s" for name in values)
    run(f"UPDATE {model._meta.db_table} SET {columns} WHERE id = %(pk)s", pk=pk, **values)


def test_a_score_file_that_lost_what_it_was_to_stream_fails_and_is_no_longer_active():
    campaign, whole = campaign_with(3), campaign_with(3).active_score_file
    file = campaign.active_score_file
    with before("campaigns", "0002_rosters_list_all_rows"):
        for each, streamed, digest in ((file, 0, EMPTY_ROSTER), (whole, 3, "1" * 64)):
            values = {"accepted": 3, "rows_in": 3, "streamed": streamed, "roster_digest": digest}
            change(ScoreFile, each.pk, state="saved", **values)
    file.refresh_from_db()
    whole.refresh_from_db()
    campaign.refresh_from_db()
    assert (file.state, file.roster_digest, campaign.active_score_file) == ("failed", "", None)
    assert file.error.startswith("3 rows were accepted, but 0 were streamed")
    assert EMPTY_ROSTER in file.error
    assert (whole.state, whole.roster_size, whole.campaign.active_score_file) == (
        "saved",
        3,
        whole,
    )


def test_dates_beyond_the_years_become_the_bounds_that_mean_the_same():
    campaign = campaign_with(0)
    market = campaign.markets.first()
    with before("campaigns", "0005_dates_lie_in_allowed_years"):
        opens, closes = "0001-01-01Z", "9999-01-01Z"
        change(Campaign, campaign.pk, registration_opens=opens, registration_closes=closes)
        change(Market, market.pk, selection_time="infinity")
    campaign.refresh_from_db()
    market.refresh_from_db()
    assert (campaign.registration_opens.year, campaign.registration_closes.year) == (2000, 2201)
    assert market.selection_time.year == 2200


def test_a_wave_due_in_a_year_that_is_refused_now_fails_unless_it_was_sent():
    later = import_module("waves.migrations.0005_members_carry_their_waves_liveness")
    waves = [prepare(request(campaign_with(3)), by=person("ann"), now=NOW).wave for _ in range(2)]
    with before("waves", "0004_dates_lie_in_allowed_years"):
        for wave, state in zip(waves, ("prepared", "completed"), strict=True):
            change(Wave, wave.pk, notify_date="3026-01-21 18:00Z", state=state)
    run(later.OF_OTHER_YEARS)
    states = {wave.state: wave for wave in Wave.objects.all()}
    assert set(states) == {"failed", "completed"}
    assert states["failed"].error.startswith("The notify date was 3026-01-21 18:00:00+00")
    assert {wave.notify_date.year for wave in states.values()} == {2198}


def test_o5_an_email_address_of_several_users_stops_the_migration_which_names_them_alone():
    users = {"ann": "Ann@example.com", "bob": "bob@example.com", "ann-lee": "ann@Example.com"}
    migration = before(*ONE_USER_PER_EMAIL)
    migration.__enter__()
    for name, email in (users | {"carl": "", "dora": ""}).items():
        User.objects.create_user(name, email)
    with pytest.raises(CommandError) as stopped:
        migration.__exit__(None, None, None)
    assert "\nann and ann-lee\nNothing was changed." in str(stopped.value)
    assert "example.com" not in str(stopped.value).lower()


def test_o5_whoever_was_no_staff_any_more_is_not_let_in_by_a_role_that_was_left():
    with before(*ONE_USER_PER_EMAIL):
        roles = Group.objects.filter(name__in=("operator", "viewer"))
        left = User.objects.create_user("left", is_staff=False)
        stays = User.objects.create_user("stays", is_staff=True)
        for user in (left, stays):
            user.groups.set(roles)
    held = {user.username: (user.is_staff, user.groups.count()) for user in User.objects.all()}
    assert (held["left"], held["stays"]) == ((False, 0), (True, 2))
    told = StatusChange.objects.get(subject_kind="user")
    assert (told.subject_id, told.to_state) == ("left", "no role")
    assert told.reason.endswith("operator, viewer")
