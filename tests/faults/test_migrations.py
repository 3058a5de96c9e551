"""Rows that faults of earlier versions left do not stop a migration: what can be repaired is, and the
rest fails and says why. [S-10, C-2, K-6, O-5]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.contrib.auth.models import Group, User
from django.core.management.base import CommandError
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from campaigns.models import Campaign, Market, ScoreFile
from campaigns.scoring import tables
from console.fans.facts import rejected_rows
from console.fans.terms import term_of
from datalake.storage import buckets
from operations.database.statements import first_row, run
from operations.models import StatusChange
from tests.support.forms import form_of
from tests.support.people import client_of, member_of
from tests.support.waves import NOW, campaign_with, person, request
from waves.models import Member, Wave
from waves.naming import zip_key
from waves.preparation import status_files
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db

CAMPAIGNS = "/admin/campaigns/campaign/"
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


FIRST, LAST = datetime(2000, 1, 2, tzinfo=UTC), datetime(2200, 12, 31, tzinfo=UTC)
TIMES = ("registration_opens", "registration_closes", "selection_time")
MINUTE = timedelta(minutes=1)
SUMMER = datetime(2026, 7, 1, tzinfo=UTC)


WINDOWS = {  # as they were, and as they become
    ("0001-01-01Z", "9999-01-01Z"): (FIRST, LAST),
    ("9998-01-01Z", "9999-01-01Z"): (LAST - MINUTE, LAST),
    ("0001-01-01Z", "0002-01-01Z"): (FIRST, FIRST + MINUTE),
    ("2026-07-01Z", "infinity"): (SUMMER, LAST),
    (None, "9999-01-01Z"): (None, LAST),
    ("0001-01-01Z", None): (FIRST, None),
}


def test_c2_a_window_beyond_the_years_becomes_one_that_means_the_same_and_can_be_saved():
    campaigns = [campaign_with(0, time_zone="Pacific/Kiritimati") for _ in WINDOWS]
    with before("campaigns", "0005_dates_lie_in_allowed_years"):
        for campaign, (opens, closes) in zip(campaigns, WINDOWS, strict=True):
            change(Campaign, campaign.pk, registration_opens=opens, registration_closes=closes)
        run("UPDATE campaigns_market SET selection_time = 'infinity'")
    for campaign, becomes in zip(campaigns, WINDOWS.values(), strict=True):
        campaign.refresh_from_db()
        assert (campaign.registration_opens, campaign.registration_closes) == becomes
        campaign.full_clean()
    assert {market.selection_time for market in Market.objects.all()} == {LAST}
    client, page = client_of(member_of("administrator")), f"{CAMPAIGNS}{campaigns[1].pk}/change/"
    read = form_of(client, page)
    assert {value[:4] for name, value in read.items() if name.endswith(TIMES)} == {"2200"}
    assert client.post(page, read | {"artist": "Luna"}).status_code == 302
    assert Campaign.objects.get(artist="Luna") == campaigns[1]


def test_c2_the_database_refuses_a_window_that_the_form_would_refuse():
    campaign = campaign_with(0)
    with pytest.raises(IntegrityError, match="campaign_years"):
        change(Campaign, campaign.pk, registration_closes="2201-01-01Z")


@pytest.mark.django_db(transaction=True)
def test_an_index_migration_that_failed_half_way_can_be_run_again():
    """X-1"""
    file = campaign_with(2).active_score_file
    assert file is not None
    rejected = f"campaigns_rejectedrow_{file.pk}"
    with transaction.atomic():
        tables.attach(file.pk, tables.REJECTED)
    run("DROP INDEX registrant_email, registrant_phone")
    with pytest.raises(IntegrityError):  # leaves an invalid index of this name
        run("CREATE UNIQUE INDEX CONCURRENTLY registrant_email ON campaigns_registrant (country)")
    run(f"CREATE INDEX {rejected}_fields ON {rejected} (line)")  # as if it were half made
    loader, name = MigrationLoader(connection), "0010_fans_are_found_by_contact"
    for _ in range(2):
        state = loader.project_state(("campaigns", name), at_end=False)
        with connection.schema_editor(atomic=False) as editor:
            loader.get_migration("campaigns", name).apply(state, editor)
    assert first_row("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == (0,)
    assert "(email)" in _definition("registrant_email")
    assert "campaigns_fields(raw)" in _definition(f"{rejected}_fields")
    assert first_row("SELECT current_setting('lock_timeout')") == ("30s",)


@pytest.mark.parametrize("was", ["attached", "indexed", "bare"])
def test_rejected_rows_from_before_their_contacts_were_kept_are_found_as_before(was):
    """X-1"""
    campaign = campaign_with(1)
    number = campaign.active_score_file_id
    tables.create(number)
    with before("campaigns", "0014_rejected_rows_are_found_by_columns"):
        values = f"({number}, 9, 'fan-9', 'no_contact', '9\tFan9@mail.example\t1')"
        run(f"INSERT INTO campaigns_rejectedrow_{number} VALUES {values}")
        if was != "bare":
            run(f"ALTER TABLE campaigns_rejectedrow_{number} ADD PRIMARY KEY (line, score_file_id)")
        if was == "attached":
            tables.attach(number, tables.REJECTED)
    tables.index(number, tables.REJECTED)
    tables.attach(number, tables.REJECTED)
    for typed in ("fan9@mail.example", "FAN-9"):
        assert [row.line for row in rejected_rows(term_of(typed, ["US"]), campaign)] == [9]
    indexed = first_row(
        "SELECT count(*) FROM pg_index WHERE indrelid = to_regclass(%(name)s)"
        " AND indexrelid::regclass::text LIKE '%%\\_by\\_%%'",
        name=f"campaigns_rejectedrow_{number}",
    )
    assert indexed == (5,)


def _definition(index: str) -> str:
    (found,) = first_row("SELECT indexdef FROM pg_indexes WHERE indexname = %(i)s", i=index) or (
        "",
    )
    return str(found)


def two_waves() -> list[Wave]:
    """Of one campaign, with four fans each."""
    campaign = campaign_with(12, {"west": 8})
    file = b"marketId,marketName,capacity,selectionTime\nwest,,4,\n"
    asked = [request(campaign, key, market_file=file) for key in ("20260121", "20260122")]
    return [prepare(each, by=person("ann"), now=NOW).wave for each in asked]


def share_a_fan(waves: list[Wave], *states: str) -> None:
    """The waves are in these states, and as flags went wrong, one fan is a member of both, whom
    only the first one holds.
    """
    shared, other = (wave.members.values_list("pk", "global_user_id")[0] for wave in waves)
    run("UPDATE waves_member SET holds_fan = false WHERE wave_id = %(wave)s", wave=waves[1].pk)
    change(Member, other[0], global_user_id=shared[1])
    for wave, state in zip(waves, states, strict=True):
        change(Wave, wave.pk, state=state)


LIVENESS = "0005_members_carry_their_waves_liveness"


@pytest.mark.parametrize(
    ("states", "failed"),
    [
        (("prepared", "prepared"), 1),
        (("prepared", "completed"), 0),
        (("paused", "held"), 1),
    ],
)
def test_of_two_waves_with_the_same_fan_one_that_was_not_sent_fails_and_can_be_prepared_again(
    states, failed
):
    """K-6, W-8, W-9"""
    waves = two_waves()
    with before("waves", LIVENESS):
        share_a_fan(waves, *states)
        change(Wave, waves[failed].pk, attempts=2)
    for wave in waves:
        wave.refresh_from_db()
    lost, kept = waves[failed], waves[1 - failed]
    assert (lost.state, kept.state) == ("failed", states[1 - failed])
    assert lost.error.startswith("1 of its members are members of another wave too.")
    lives = {wave.pk: set(wave.members.values_list("wave_live", flat=True)) for wave in waves}
    assert lives == {lost.pk: set(), kept.pk: {True}}
    published = zip_key(lost.campaign.campaign_id, lost.date_key)
    assert buckets.scoring().exists(published)
    assert status_files.sweep() == 1
    assert not buckets.scoring().exists(published)
    again = prepare(request(lost.campaign, lost.date_key), by=person("ann"), now=NOW).wave
    assert (again.state, again.attempts) == ("prepared", 1)


def test_two_waves_that_were_both_sent_to_a_fan_stop_the_migration_by_name():
    """K-6"""
    waves = two_waves()
    with (
        pytest.raises(ProgrammingError, match=r"Waves .*_20260121 and .*_20260122 were both sent"),
        before("waves", LIVENESS),
    ):
        share_a_fan(waves, "completed", "paused")


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
