"""Codes become their fans' for good at the trigger, and are published. [K-5, K-6, W-11, T-2]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from operations.database import statements
from tests.support.database import kept
from tests.support.sending import triggered_wave
from tests.support.waves import (
    NOTIFY,
    NOW,
    person,
    published,
    scheduled,
)
from waves.actions import cancel
from waves.codes import assignments
from waves.errors import WrongState
from waves.models import Assignment, Code, Wave
from waves.schedule import check_due_waves
from waves.sending.triggering import trigger

pytestmark = pytest.mark.django_db


SECOND = timedelta(seconds=1)
RESERVED_FOR_MEMBERS = """
INSERT INTO waves_code (campaign_id, wave_id, market_id, global_user_id, code, state, source, origin, reserved_at)
SELECT campaign_id, wave_id, market_id, global_user_id, code, 'reserved', 'own', '', now()
FROM waves_member WHERE wave_id = %s
"""


def test_w11_many_batches_are_assigned_and_published_whole(monkeypatch):
    monkeypatch.setattr(assignments, "BATCH", 3)
    wave = scheduled(20, capacities={"west": 10})
    check_due_waves(now=NOTIFY)
    assert Assignment.objects.filter(wave=wave).count() == len(published()) == 10


def test_w11_codes_are_assigned_and_published_2500_at_a_time():
    wave = triggered_wave(2_501)
    with connection.cursor() as cursor:
        cursor.execute(RESERVED_FOR_MEMBERS, [wave.pk])
    assigned, marked = list[int](), list[int]()

    def note(execute, sql, params, many, context):
        if "INSERT INTO waves_assignment" in sql:
            assigned.append(len(params["members"]))
        elif "SET published_at" in sql:
            marked.append(len(params["ids"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assignments.assign(wave, now=NOTIFY)
        assignments.publish(wave, now=NOTIFY)
    assert assigned == marked == [2_500, 1]
    assert Code.objects.filter(wave=wave, state="published").count() == 2_501


def test_w11_tables_that_were_empty_before_do_not_make_the_check_compare_each_with_each():
    with transaction.atomic():
        scheduled(20, capacities={"west": 10})
        check_due_waves(now=NOTIFY)
        assert Assignment.objects.count() == 10
        transaction.set_rollback(True)  # nobody deletes assignments
    statements.run("ANALYZE waves_member, waves_code, waves_assignment")
    wave = triggered_wave(200)
    with connection.cursor() as cursor:
        cursor.execute(RESERVED_FOR_MEMBERS, [wave.pk])
    assignments.assign(wave, now=NOTIFY)
    explained = f"EXPLAIN (ANALYZE, TIMING off) {assignments._UNASSIGNED}"
    plan = "\n".join(line for (line,) in statements.rows(explained, wave=wave.pk))
    assert "Rows Removed by Join Filter" not in plan, plan


def test_t2_an_assignment_names_the_fans_member_id_and_market_and_the_waves_category():
    scheduled(3, capacities={"west": 3}, category_id="rock")
    check_due_waves(now=NOTIFY)
    named = [
        (r["globalUserId"], r["memberId"], r["marketId"], r["categoryId"]) for r in published()
    ]
    assert sorted(named) == [(f"fan-{n:06d}", f"m-{n}", "west", "rock") for n in range(3)]


def test_w11_t2_repeats_change_nothing():
    wave = kept.scheduled()
    trigger(wave, by=None, now=NOTIFY)
    before = list(Assignment.objects.order_by("id").values())
    again = assignments.assign(wave, now=NOTIFY + SECOND)
    assert (again.members, again.valid, again.updated) == (10, 10, 0)
    assert assignments.publish(wave, now=NOTIFY + SECOND) == 0
    assert list(Assignment.objects.order_by("id").values()) == before
    assert len(published()) == 10


def test_k3_t2_tm_is_neither_assigned_nor_streamed():
    wave = scheduled(4, capacities={"west": 4}, code_source="tm")
    assert [w.pk for w in check_due_waves(now=NOTIFY).triggered] == [wave.pk]
    assert not Assignment.objects.exists()
    assert published() == []


def test_k5_a_cancelled_wave_assigns_nothing_more():
    wave = kept.scheduled()
    stale = Wave.objects.select_related("campaign").get(pk=wave.pk)
    cancel(wave, by=person("root"), reason="rain")
    with pytest.raises(WrongState):
        assignments.assign(stale, now=NOTIFY)
    assert not Assignment.objects.exists()


def test_k6_an_assignment_cannot_be_changed_or_deleted():
    check_due_waves(now=NOTIFY) if kept.scheduled() else None
    assignment = Assignment.objects.first()
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        Assignment.objects.filter(pk=assignment.pk).update(global_user_id="somebody else")
    with (
        pytest.raises(DatabaseError, match="immutable"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM waves_assignment WHERE id = %s", [assignment.pk])


def test_k6_an_assigned_code_stays_its_fans_whatever_an_update_says():
    check_due_waves(now=NOTIFY) if kept.scheduled() else None
    code = Code.objects.filter(state="published")[:1]
    free = {"wave": None, "global_user_id": ""}
    for change in (
        *({"code": "ANOTHER"}, {"global_user_id": "another"}, {"campaign": 0}, {"wave": 0}),
        *({"state": "assigned"}, {"state": "reserved"}, {"state": "available"} | free),
    ):
        with pytest.raises(DatabaseError, match="is assigned: its text"), transaction.atomic():
            Code.objects.filter(pk__in=code).update(**change)


def test_k5_a_code_is_free_or_a_fans_of_a_wave():
    reserved = Code.objects.filter(wave=kept.scheduled())[:1]
    for change in (
        *({"wave": None}, {"global_user_id": ""}),
        *({"state": "available"}, {"state": "released", "origin": "code service"}),
    ):
        with pytest.raises(IntegrityError, match="code_is_free_or_a_fans"), transaction.atomic():
            Code.objects.filter(pk__in=reserved).update(**change)


def test_k6_one_assignment_for_each_campaign_and_fan():
    wave = kept.scheduled()
    check_due_waves(now=NOTIFY)
    one = Assignment.objects.first()
    free = Code.objects.create(campaign=wave.campaign, code="SPARE22222")
    with pytest.raises(IntegrityError, match="assignment_once"), transaction.atomic():
        Assignment.objects.create(
            campaign=wave.campaign,
            global_user_id=one.global_user_id,
            code=free,
            wave=wave,
            market=one.market,
            assigned_at=NOW,
        )
