"""Rejected records are kept, and can be replayed. [T-1]"""

from __future__ import annotations

import pytest

from datalake.models import DeadLetter
from datalake.streams import deadletters
from datalake.streams.consumers import Consumed
from tests.datalake.streams.collector import Collector
from tests.support.lake import publish_registrations, registration

pytestmark = pytest.mark.django_db


def test_a_rejected_record_takes_effect_when_it_is_replayed():
    """[T-1]"""
    publish_registrations(1, 2, key="a")
    Collector(rejects={"fan-2"}).take()
    letter = DeadLetter.objects.get()
    assert letter.error == "unknown fan"
    assert deadletters.replay(letter.pk)
    assert not deadletters.replay(letter.pk)
    collector = Collector()
    assert collector.take() == Consumed(records_in=1, records_out=1)
    assert collector.got == ["fan-2"]


def test_a_letter_can_be_corrected_before_it_is_replayed():
    publish_registrations(1, key="a", tags=None)
    Collector().take()
    deadletters.replay(DeadLetter.objects.get().pk, registration(1))
    collector = Collector()
    collector.take()
    assert collector.got == ["fan-1"]


def test_a_letter_from_a_file_is_replayed_on_the_input_stream():
    deadletters.store(
        "lake",
        "file:avro/registration/2026/01/20/x.avro",
        [deadletters.StreamRecord(0, 3, "broken", registration(5))],
    )
    deadletters.replay(DeadLetter.objects.get().pk)
    collector = Collector()
    collector.take("input")
    assert collector.got == ["fan-5"]
