"""Batches, identities, dead letters and messages that nobody needs any more. [O-10]"""

from __future__ import annotations

import io
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from datalake import queues, save, tasks
from datalake.dead_letters import replay
from datalake.models import Claim, DeadLetter, QueueMessage, SeenRecord, StreamBatch
from datalake.parity import published
from datalake.queues import Outgoing
from datalake.queues.rows import make_dead_letters
from datalake.retention import old_rows
from datalake.streams import consumers
from operations.database.statements import first_row
from operations.models import Job
from operations.retention import prune
from tests.support.lake import publish_registrations, publish_scores

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timedelta(days=200)


def aged() -> None:
    """Everything as if it had been done long ago."""
    StreamBatch.objects.update(published_at=F("published_at") - LONG_AGO)
    Claim.objects.update(done_at=F("done_at") - LONG_AGO)


def before(days: int = 100):
    return timezone.now() - timedelta(days=days)


def test_o10_a_batch_stays_until_the_slowest_consumer_and_parity_have_it():
    publish_registrations(1, key="one")
    aged()
    save.save("input")
    published.count_published()
    assert sum(old_rows.old_batches(before())) == 0  # the registrations are not taken yet
    consumers.consume(once=True)
    published.count_published()
    publish_registrations(2, key="two")
    consumers.consume(once=True)
    published.count_published()
    assert sum(old_rows.old_batches(before())) == 1
    assert StreamBatch.objects.get().batch_key == "two:0"
    publish_registrations(3, key="three")
    consumers.consume(once=True)
    assert save.save("input") is None


def test_o10_identities_go_with_their_age_but_not_what_a_waiting_letter_may_meet():
    publish_scores(4)
    save.save("scored")
    published.count_published()
    publish_scores(4, first=4, key="scorefile:2")
    aged()
    save.save("scored")
    published.count_published()
    letter = DeadLetter.objects.create(
        consumer="x", source="scored", position=1, index=0, error="e", record="{}"
    )
    DeadLetter.objects.update(created_at=before(days=300))
    assert sum(old_rows.old_identities(before())) == 0
    letter.delete()
    assert sum(old_rows.old_identities(before())) == 4
    assert SeenRecord.objects.count() == 4


def test_o10_identities_that_parity_has_not_counted_stay():
    publish_scores(4)
    save.save("scored")
    aged()
    assert sum(old_rows.old_identities(before())) == 0
    published.count_published()
    assert sum(old_rows.old_identities(before())) == 4


def test_o10_dead_letters_that_wait_are_never_deleted_and_settled_ones_by_when_they_were():
    for number, settled in enumerate((None, before(days=200), before(days=10))):
        DeadLetter.objects.create(
            consumer="x",
            source="input",
            position=number,
            index=0,
            error="e",
            record="{}",
            dropped_at=settled,
        )
    DeadLetter.objects.update(created_at=before(days=400))
    assert sum(old_rows.settled_letters(before())) == 1
    assert [*DeadLetter.objects.order_by("pk").values_list("position", flat=True)] == [0, 2]


@pytest.mark.django_db
def test_o10_the_message_of_a_dead_letter_that_waits_stays_and_can_be_replayed():
    queues.put("verdict", [Outgoing(key, {}) for key in ("settled", "waits")])
    make_dead_letters("verdict", QueueMessage.objects.all(), "it is broken")
    QueueMessage.objects.update(settled_at=before(days=200))
    settled, waits = DeadLetter.objects.order_by("pk")
    DeadLetter.objects.filter(pk=settled.pk).update(dropped_at=timezone.now())
    assert sum(old_rows.settled_messages(before())) == 1
    assert replay.replay(waits.pk)
    assert QueueMessage.objects.get(state="waiting").key == "waits"


def test_o10_the_command_and_the_nightly_run_delete_what_is_old():
    for run in (lambda: call_command("prune", stdout=io.StringIO()), tasks.prune_daily):
        DeadLetter.objects.create(
            consumer="x",
            source="input",
            position=1,
            index=0,
            error="e",
            record="{}",
            dropped_at=before(days=200),
        )
        run()
        for job in Job.objects.filter(kind="prune", state="queued"):
            prune.run(job.pk)
        assert not DeadLetter.objects.exists()


def test_o10_a_finished_claim_goes_when_no_identity_and_no_file_is_known_by_it():
    publish_registrations(1, key="one")
    consumers.consume(once=True)
    save.save("input")
    published.count_published()
    aged()
    (of_lake,) = Claim.objects.filter(consumer="lake")
    assert Claim.objects.exclude(pk=of_lake.pk).exists()
    kept = [
        Claim.objects.create(consumer="x", source="file:adopted", state="done"),
        Claim.objects.create(consumer="x", source="input"),
    ]
    Claim.objects.filter(consumer="x").update(done_at=before(300))
    kept.append(
        Claim.objects.create(consumer="y", source="input", state="done", done_at=timezone.now())
    )
    assert sum(old_rows.old_claims(before())) == 0  # the oldest has an identity still
    SeenRecord.objects.all().delete()
    assert sum(old_rows.old_claims(before())) > 0
    assert set(Claim.objects.all()) == {of_lake, *kept}


def test_o10_no_transaction_of_a_prune_reads_all_identities(monkeypatch):
    monkeypatch.setattr(old_rows, "PAGES_AT_A_TIME", 1)
    long_ago = {"consumer": "x", "source": "input", "state": "done", "done_at": before(300)}
    gone, kept = (Claim.objects.create(**long_ago, first=n, last=n) for n in range(2))
    ids = [SeenRecord(consumer="x", digest=uuid4(), claim=kept.pk + 1) for _ in range(300)]
    SeenRecord.objects.bulk_create([*ids, SeenRecord(consumer="x", digest=uuid4(), claim=kept.pk)])
    (size,) = first_row("SELECT pg_relation_size('datalake_seenrecord')")
    some = old_rows.old_claims(before())
    for page in range(size // old_rows.PAGE + 1):
        with CaptureQueriesContext(connection) as asked:
            assert next(some) == 0
        read = [each["sql"] for each in asked if "min(claim)" in each["sql"]]
        assert len(read) == 1
        assert f"ctid >= '({page},0)'" in read[0]
    assert size > old_rows.PAGE
    assert sum(some) == 1
    assert [*Claim.objects.filter(pk__in=[gone.pk, kept.pk])] == [kept]
