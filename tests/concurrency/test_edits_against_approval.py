"""A text is edited while its wave is approved, scheduled and triggered, each time held up at another
named point: nothing is sent that was not approved. [X-5, W-2, W-10]
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models import Q

from campaigns.locks import lock_campaigns
from operations.errors import Refusal
from operations.models import StatusChange
from tests.concurrency.test_campaign_and_waves import somebody_waits_for_a_lock
from tests.conftest import FULL
from tests.support.waiting import LIMIT_SECONDS, wait_until
from tests.support.waves import NOTIFY, NOW, campaign_with, cleared, counted, person, request
from waves import approval, schedule
from waves.digest import content_digest
from waves.models import Template, Wave
from waves.preparation.prepare import prepare
from waves.sending import triggering
from waves.template_edits import renew_waves

pytestmark = pytest.mark.django_db(transaction=True)

# Where who approves and sends is held up: before, inside and behind each lock.
POINTS = (
    (approval, "renew"),
    (approval, "lock_wave"),
    (approval, "require_unchanged"),
    (approval, "require_counted"),
    (approval, "move"),
    (schedule, "lock_wave"),
    (schedule, "require_unchanged"),
    (triggering, "try_lock_wave"),
    (schedule, "require_approved_content"),
    (triggering, "move_locked"),
)
BEHIND_THE_CHECK = ("require_approved_content", "move_locked")
ROUNDS = 100 if FULL else len(POINTS)
OLD, NEW = "{campaign}: {code}", "{campaign}, another text: {code}"


def edited_on_the_page(campaign_pk: int) -> None:
    with transaction.atomic():
        lock_campaigns([campaign_pk])
        Template.objects.filter(campaign=campaign_pk).update(body=NEW)
        renew_waves(Q(campaign=campaign_pk), by=person("root"), reason="a new text")


def edited_by_another_program(campaign_pk: int) -> None:
    """Which voids nothing: that is left to who approves and sends."""
    Template.objects.filter(campaign=campaign_pk).update(body=NEW)


def sent(wave: Wave) -> str:
    """Approved as it was looked at, scheduled, and triggered when due; or why not."""
    try:
        approval.approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
        schedule.schedule(wave, by=person("bob"), now=NOW)
    except Refusal as refusal:
        return str(refusal)
    schedule.claim_due_waves(now=NOTIFY)
    return ""


def in_a_thread(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        connections.close_all()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_x5_whenever_a_text_is_edited_only_approved_messages_are_sent(number, monkeypatch):
    for name in ("ann", "bob", "root"):
        person(name)
    campaign = campaign_with(4, {"west": 2})
    Template.objects.create(campaign=campaign, channel="sms", body=OLD)
    wave = cleared(counted(prepare(request(campaign), by=person("ann"), now=NOW).wave))
    looked_at = wave.content_digest
    module, name = POINTS[number % len(POINTS)]
    real, reached, go_on = getattr(module, name), threading.Event(), threading.Event()
    sender: list[int] = []

    def halted(*arguments: Any, **options: Any) -> Any:
        if threading.get_ident() in sender and not reached.is_set():
            reached.set()
            assert go_on.wait(LIMIT_SECONDS)
        return real(*arguments, **options)

    def send() -> str:
        sender.append(threading.get_ident())
        return sent(wave)

    monkeypatch.setattr(module, name, halted)
    edit = (edited_on_the_page, edited_by_another_program)[(number // len(POINTS) + number) % 2]
    with ThreadPoolExecutor(2) as pool:
        sending = pool.submit(in_a_thread, send)
        wait_until(lambda: reached.is_set() or sending.done(), "the sender at its point")
        editing = pool.submit(in_a_thread, lambda: edit(campaign.pk))
        wait_until(lambda: editing.done() or somebody_waits_for_a_lock(), "the edit, or its wait")
        edited_first = editing.done()
        go_on.set()
        refused = sending.result(LIMIT_SECONDS)
        editing.result(LIMIT_SECONDS)
    assert reached.is_set()

    now = Wave.objects.select_related("campaign").get(pk=wave.pk)
    sms = {text["body"] for text in now.content["templates"] if text["channel"] == "sms"}
    voided = StatusChange.objects.filter(subject_id=wave.name, reason__contains="text").exists()
    if now.state == "triggered":
        # what is sent is what was looked at, to the byte, and nothing was voided before
        assert (now.approved_digest, content_digest(now), sms) == (looked_at, looked_at, {OLD})
        assert not voided
        assert not edited_first or name in BEHIND_THE_CHECK
    else:
        # what was edited first is not sent, now or later, unless it is approved anew
        assert refused or now.approved_digest in ("", looked_at)
        schedule.claim_due_waves(now=NOTIFY)
        now.refresh_from_db()
        assert now.state in {"prepared", "approved"}, now.state
