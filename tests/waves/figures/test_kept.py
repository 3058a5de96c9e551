"""Kept counts are those of the rows, whatever changes them and whenever. [N-7]"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from operations.database.statements import first_row, run
from tests.conftest import FULL
from tests.support.connections import elsewhere
from tests.support.sending import counted_one_by_one, triggered_wave
from tests.support.waiting import wait_until
from waves.choices import SendState
from waves.figures import kept
from waves.models import FigureBlock, FigureChange, Send, Wave
from waves.models.figures import BLOCK
from waves.sending import new_messages, results

pytestmark = pytest.mark.django_db(transaction=True)
STEPS, RUNS = (150, 10) if FULL else (25, 1)


def wave_over_two_blocks(members: int = 12) -> Wave:
    """Half of its members are the last of one block, the others the first of the next."""
    (last,) = first_row("SELECT nextval('waves_member_id_seq')")
    edge = (last // BLOCK + 2) * BLOCK - members // 2
    run("SELECT setval('waves_member_id_seq', %(edge)s, false)", edge=edge)
    wave = triggered_wave(members, phones=members - 2, emails=members - 3)
    assert wave.members.filter(pk__lt=edge + members // 2).count() == members // 2
    return wave


def assert_counted(wave: Wave) -> None:
    assert kept.figures(wave.pk) == counted_one_by_one(wave)


def step(wave: Wave, chance: random.Random) -> None:
    """Some messages change, in one of the ways in which they do."""
    rows = list(Send.objects.filter(wave=wave).values_list("pk", flat=True))
    some = Send.objects.filter(pk__in=chance.sample(rows, min(len(rows), chance.randint(1, 6))))
    sent_at = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(seconds=chance.randint(0, 3))
    state = chance.choice(SendState.values)
    reason = chance.choice(["http_400", "timed_out"]) if state == SendState.FAILED else ""
    match chance.choice(["add", "drop", "queue", "state", "state", "state"]):
        case "add":
            new_messages.make_sends(wave)
        case "drop":
            some.delete()
        case "queue":
            some.update(queued_at=chance.choice([None, sent_at]))
        case _:
            some.update(state=state, reason=reason, sent_at=chance.choice([None, sent_at]))


@pytest.mark.parametrize("seed", range(RUNS))
def test_n7_whatever_changes_the_messages_the_counts_are_those_of_the_rows(seed):
    chance, wave = random.Random(seed), wave_over_two_blocks()
    assert_counted(wave)
    assert kept.figures(wave.pk).fans["pending"] == 12
    for _ in range(STEPS):
        step(wave, chance)
        if chance.random() < 0.7:
            assert_counted(wave)
    assert_counted(wave)


def test_n7_only_the_blocks_that_changed_are_counted_again():
    wave = wave_over_two_blocks()
    new_messages.make_sends(wave)
    assert_counted(wave)
    first, second = FigureBlock.objects.filter(wave=wave).order_by("block")
    FigureBlock.objects.filter(pk=first.pk).update(counts={"fans/ok": 100})
    last = Send.objects.filter(wave=wave, channel="sms").latest("member")
    Send.objects.filter(pk=last.pk).update(state="failed", reason="http_400")
    assert kept.figures(wave.pk).fans["ok"] > 100
    second.refresh_from_db()
    assert second.counts["sms/state/failed/http_400"] == 1


def test_n7_who_looks_at_a_wave_that_has_not_changed_writes_nothing():
    wave = triggered_wave(3)
    new_messages.make_sends(wave)
    kept.figures(wave.pk)
    with CaptureQueriesContext(connection) as asked:
        kept.figures(wave.pk)
    assert [query["sql"].split()[0] for query in asked] == ["SELECT", "SELECT"]


def test_n7_what_is_not_committed_is_not_counted_and_nobody_waits_for_it():
    wave = wave_over_two_blocks()
    new_messages.make_sends(wave)
    before = kept.figures(wave.pk)
    with transaction.atomic():
        Send.objects.filter(wave=wave, channel="sms").update(state="sent")
        assert elsewhere(lambda: kept.figures(wave.pk)) == before
    assert_counted(wave)
    assert kept.figures(wave.pk).channels["sms"].states["sent"] == 12


def test_n7_what_commits_while_a_count_is_being_written_is_in_the_next_one():
    """The count has read the rows and waits for the row that it writes, which another transaction
    holds: what is committed then has left a mark that this count must not take away.
    """
    wave = triggered_wave(4)
    new_messages.make_sends(wave)
    kept.figures(wave.pk)
    rows = Send.objects.filter(wave=wave, channel="sms").order_by("pk")
    first, second = rows[0], rows[1]
    Send.objects.filter(pk=first.pk).update(state="sent")
    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            list(FigureBlock.objects.filter(wave=wave).select_for_update())
            counting = thread.submit(_counted_apart, wave.pk)
            wait_until(_someone_waits, "a count that waits for its row")
            elsewhere(lambda: Send.objects.filter(pk=second.pk).update(state="sent"))
        assert counting.result().channels["sms"].states["sent"] == 1
    assert kept.figures(wave.pk).channels["sms"].states["sent"] == 2
    assert_counted(wave)


def test_n7_two_who_count_at_once_find_the_same():
    wave = wave_over_two_blocks()
    new_messages.make_sends(wave)
    kept.figures(wave.pk)
    Send.objects.filter(wave=wave).update(state="sent")
    with ThreadPoolExecutor(2) as threads:
        found = [threads.submit(_counted_apart, wave.pk) for _ in range(2)]
        assert {each.result().channels["sms"].states["sent"] for each in found} == {12}
    assert_counted(wave)


def test_n7_of_a_wave_that_is_not_triggered_nothing_is_counted_so_who_was_dropped_never_is():
    wave = triggered_wave(3)
    Wave.objects.filter(pk=wave.pk).update(state="prepared", triggered_at=None)
    assert kept.figures(wave.pk).fans.total() == 0
    assert not kept.was_counted(wave.pk)


def test_n7_a_block_whose_members_are_gone_counts_nothing_when_all_is_counted():
    wave = triggered_wave(3)
    FigureBlock.objects.create(wave=wave, block=10**6, counts={"fans/pending": 7})
    new_messages.make_sends(wave)
    assert_counted(wave)


def test_n7_each_minute_what_changed_is_counted_though_nobody_looks():
    waves = [triggered_wave(2), triggered_wave(2)]
    for wave in waves:
        new_messages.make_sends(wave)
    kept.keep_counted()
    assert not FigureChange.objects.exists()
    assert all(kept.was_counted(wave.pk) for wave in waves)


def test_n7_fans_notified_are_added_up_by_campaign():
    first, second = triggered_wave(3), triggered_wave(2, emails=2)
    for wave in (first, second):
        new_messages.make_sends(wave)
    Send.objects.filter(wave=second).update(state="sent")
    sent = Send.objects.filter(wave=first, channel="sms").order_by("pk")
    for send, state in zip(sent, ("sent", "delivered", "undeliverable"), strict=True):
        Send.objects.filter(pk=send.pk).update(state=state)
    campaigns = [first.campaign_id, second.campaign_id]
    assert results.notified(campaigns) == {first.campaign_id: 2, second.campaign_id: 2}


def _counted_apart(wave_id: int):
    try:
        return kept.figures(wave_id)
    finally:
        connection.close()


def _someone_waits() -> bool:
    return first_row("SELECT FROM pg_locks WHERE NOT granted") is not None
