"""Transform, save selection and what hands over to SQS and DynamoDB as real processes, really
killed: each record is exactly once in the verdict queue and in the fan's selected events.
[T-3, T-4]
"""

from __future__ import annotations

import os
import random
import signal
from typing import Any

import pytest
from django.core.management import call_command

from campaigns.models import Registrant
from datalake import queues
from datalake.models import Claim, DeadLetter, QueueMessage, StreamBatch
from demand.models import SelectedEvents
from demand.selected_events.saving import FanEvents, save_events
from tests.support.cloud import events_in, use_table
from tests.support.processes import STATEMENT, Process, command
from tests.support.verdicts import assignment, campaign_of, publish, told
from waves.verdicts import saving, transform

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
FANS, KILLS = (30_000, 20) if FULL else (3_000, 3)
IN_A_BATCH = 250
STEPS = [  # of the work, each before it is done
    "datalake.streams:publish",
    "waves.verdicts.saving:tell",
    "datalake.queues:put",
    "datalake.streams.lanes:Lane.move_on",
]


def work() -> None:
    """Both consumers, one batch of the stream at a time, until nothing is left."""
    transform.BATCHES = saving.BATCHES = 1
    transform.register()
    saving.register()
    call_command("consume", "transform", "selections", "--once")


def consume(**deadly: Any) -> Process:
    return Process(work, **deadly)


def check_exactly_once(fans: int) -> None:
    assert sorted(each["globalUserId"] for each in told()) == sorted(
        f"fan-{n}" for n in range(fans)
    )
    assert QueueMessage.objects.filter(state="waiting").count() == fans
    assert SelectedEvents.objects.filter(version=1, event_ids=["E1", "E2"]).count() == fans
    assert Registrant.objects.filter(verdict=True).count() == fans
    passed_on = StreamBatch.objects.filter(stream="save-selection")
    assert sum(passed_on.values_list("records", flat=True)) == fans
    assert set(Claim.objects.values_list("state", flat=True)) == {"done"}
    assert not DeadLetter.objects.exists()


def test_t4_consumers_that_are_killed_again_and_again_tell_of_each_fan_exactly_once():
    """Three kills over 3,000 records; 20 over 30,000 in the full run. Some records come twice."""
    campaign = campaign_of(FANS)
    for first in range(0, FANS, IN_A_BATCH):
        records = [assignment(campaign, n) for n in range(first, first + IN_A_BATCH)]
        publish(*records, *records[::7])
    dice = random.Random(os.environ.get("FAIRWAVE_SEED", "5"))
    for number in range(KILLS):
        at = dice.choice([*STEPS, STATEMENT])
        nth = dice.randrange(2, FANS // IN_A_BATCH // KILLS)
        done = consume(killed_at=at, nth=nth * 20 if at == STATEMENT else nth).wait()
        assert done == -signal.SIGKILL, (number, at, nth)
    assert consume().wait() == 0
    check_exactly_once(FANS)


def test_t4_consumers_that_are_killed_before_each_step_leave_nothing_twice_and_nothing_out():
    campaign = campaign_of(len(STEPS))
    for number, step in enumerate(STEPS):
        publish(assignment(campaign, number))
        assert consume(killed_at=step).wait() == -signal.SIGKILL, step
    assert consume().wait() == 0
    check_exactly_once(len(STEPS))


def test_t4_what_hands_over_may_be_killed_between_what_it_sends_and_what_it_notes(aws, settings):
    """The FIFO queue holds each message once, and the table each fan's events."""
    table, number = use_table(aws, settings), 300 if FULL else 15
    fifo = {"FifoQueue": "true", "VisibilityTimeout": "60"}
    made = aws.sqs.create_queue(QueueName="verdicts.fifo", Attributes=fifo)
    settings.VERDICT_QUEUE = made["QueueUrl"]
    queues.put("verdict", [queues.Outgoing(f"{n}", {"n": n}, f"fan-{n}") for n in range(number)])
    save_events([FanEvents(f"fan-{n}", "1", ["E1"]) for n in range(number)])
    for call in ("datalake.queues.rows:settle", "demand.selected_events.dynamodb:run"):
        dead = command("consume", "verdict-queue", "demand-table", "--once", killed_at=call)
        assert dead.wait() == -signal.SIGKILL
    assert command("consume", "verdict-queue", "demand-table", "--once").wait() == 0
    received = []
    while some := queues.receive("verdict"):
        received += [each.id for each in some]
    assert sorted(received) == sorted(str(n) for n in range(number))
    assert events_in(table) == {f"fan-{n}": ["E1"] for n in range(number)}
