"""Old batches of streams go; what an erasure, a replay or an upload's ledger needs stays. [O-10]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from datalake.models import LakeFile
from demand.models import Batch, Delivery, Snapshot
from demand.retention import old_batches
from tests.demand.erasure.test_erasing import BAD
from tests.support.change_events import DEMAND, archived, change

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = timedelta(days=9)


def test_o10_a_streams_batch_goes_and_files_snapshots_and_what_may_be_replayed_stay(monkeypatch):
    monkeypatch.setattr(old_batches, "BATCHES_AT_A_TIME", 1)
    date = {"requested": "2026-10-03T12:00:00Z"}
    for name in ("a", "b", "c", "d", "e"):
        events = [change(DEMAND, fanId=name, date=date)]
        archived(events + [BAD] * (name == "c"))
    batches = dict(zip("abcde", Batch.objects.order_by("pk"), strict=True))
    old = timezone.now() - DAYS
    for name, batch in batches.items():
        values = {"source": f"kinesis:s/{name}", "created_at": old}
        values |= {"d": {"source": "file:d"}, "e": {"created_at": timezone.now()}}.get(name, {})
        Batch.objects.filter(pk=batch.pk).update(**values)
    files, snapshots = LakeFile.objects.count(), Snapshot.objects.count()
    assert list(old_batches.old_batches(timezone.now() - DAYS / 2)) == [1, 1]
    assert set(Batch.objects.all()) == {batches[name] for name in "cde"}
    assert set(Delivery.objects.values_list("batch", flat=True)) == {
        batches[name].pk for name in "cde"
    }
    assert (LakeFile.objects.count(), Snapshot.objects.count()) == (files, snapshots)
