"""Rejected records are kept, each once. [T-1]"""

from __future__ import annotations

import pytest

from datalake.models import DeadLetter
from datalake.streams import deadletters
from datalake.streams.deadletters import StreamRecord

pytestmark = pytest.mark.django_db


def test_t1_a_record_is_kept_once_and_found_by_its_place():
    for consumer in ("lake", "lake", "registrations"):
        deadletters.store(consumer, "input", [StreamRecord(2, 7, "broken", {"a": "\x00"})])
    deadletters.store("lake", "input", [StreamRecord(9, 1, "broken", None)])
    assert DeadLetter.objects.count() == 3
    assert deadletters.places("lake", "input", 1, 8) == {(2, 7)}
