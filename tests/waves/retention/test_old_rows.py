"""Messages and members go long after their campaign is archived: counts, codes and their custody
stay, and every page still answers. [O-10, N-7, K-1, X-10]
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Campaign
from operations.database.clock import database_time
from operations.models import Pruned
from operations.retention import prune
from tests.console.archiving.closed import sent_wave
from tests.support.waves import person
from waves.codes.custody import custody
from waves.figures import kept
from waves.models import Assignment, Code, FigureChange, Member, Resend, Send, Wave
from waves.retention import old_rows

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def archived(wave: Wave, days: int = 0) -> None:
    at = database_time() - timedelta(days=days)
    Campaign.objects.filter(pk=wave.campaign_id).update(
        status="archived", archived_at=at, closed_at=at
    )


def pruned() -> dict[str, int]:
    """What a run deletes, of the kinds that are rows of waves."""
    deleted = prune.run(prune.open_job().pk)
    return {kind.rows: deleted[kind.rows] for kind in old_rows.KEPT}


def resent(send: Send) -> None:
    about = {"by": person("sue"), "why": "asked", "contact": "x", "is_corrected": False}
    ids = {"request": uuid.uuid4(), "key": uuid.uuid4()}
    mine = {"wave_id": send.wave_id, "member_id": send.member_id, "channel": send.channel}
    Resend.objects.create(**about, **ids, **mine, state="sent")


def test_o10_messages_and_members_go_by_age_and_counts_codes_and_custody_stay(monkeypatch):
    monkeypatch.setattr(old_rows, "ROWS_AT_A_TIME", 6)
    wave = sent_wave()
    sends = list(Send.objects.select_related("member").order_by("pk"))
    Send.objects.update(sent_at=NOW)
    Send.objects.filter(pk=sends[0].pk).update(sent_at=NOW - timedelta(hours=1))
    resent(sends[0])
    counted, codes = kept.figures(wave.pk), list(Code.objects.order_by("pk").values("pk", "state"))
    assert counted.result["ok"] == wave.selected == 10
    archived(wave, days=399)
    assert set(pruned().values()) == {0}
    archived(wave, days=401)
    assert list(pruned().values()) == [len(sends), 1, 10]
    assert [model.objects.count() for model in (Send, Resend, Member)] == [0, 0, 0]
    assert kept.figures(wave.pk) == counted
    assert list(Code.objects.order_by("pk").values("pk", "state")) == codes
    assert Assignment.objects.count() == 10
    fan = sends[0].member.global_user_id
    first = Assignment.objects.get(global_user_id=fan).code
    sent = [step for step in custody(first)["custody"] if step["step"] == "sent"]
    assert sent == [
        {
            "step": "sent",
            "at": NOW - timedelta(hours=1),
            "by": None,
            "messages": "deleted",
        }
    ]
    assert set(pruned().values()) == {0}
    rows = Pruned.objects.filter(rows__in=[kind.rows for kind in old_rows.KEPT])
    assert sum(rows.values_list("deleted", flat=True)) == len(sends) + 11


def test_o10_n7_the_count_from_before_the_deletion_stays_whatever_comes_in_between(monkeypatch):
    monkeypatch.setattr(old_rows, "ROWS_AT_A_TIME", 1)
    wave = sent_wave()
    counted = kept.figures(wave.pk).result
    archived(wave, days=401)
    steps = old_rows.old_sends(database_time())
    assert [next(steps) for _ in range(3)] == [0, 1, 1]  # counted first, then one by one
    Send.objects.filter(pk=Send.objects.latest("pk").pk).update(state="undeliverable")
    assert FigureChange.objects.exists()
    assert kept.figures(wave.pk).result == counted
    kept.keep_counted()
    assert not FigureChange.objects.exists()
    assert kept.figures(wave.pk).result == counted
    assert Wave.objects.get(pk=wave.pk).rows_deleted_at is not None


def test_o10_a_member_whose_message_is_there_stays():
    wave = sent_wave()
    archived(wave, days=401)
    kept_send = Send.objects.earliest("pk")
    Send.objects.exclude(member=kept_send.member_id).delete()
    assert sum(old_rows.old_members(database_time())) == 9
    assert Member.objects.get().pk == kept_send.member_id
