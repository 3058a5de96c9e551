"""A database that goes away and comes back in the middle of a wave costs nobody a message, and
nobody gets two. [N-4, O-6]
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

import sandbox
from tests.conftest import FULL
from tests.fairwave.test_embedded import in_use
from tests.faults.test_score_file_restart import OwnServer, copy_tables
from tests.support.sending import triggered_wave
from tests.support.waiting import wait_until
from waves.models import Send
from waves.sending.accounts import Limits
from waves.sending.run import Timing
from waves.sending.send_wave import send_wave

pytestmark = [
    pytest.mark.processes,
    pytest.mark.xdist_group("embedded"),
    pytest.mark.skipif(not FULL, reason="the long run"),
]
MEMBERS, RESTARTS, CONCURRENCY = 6_000, 4, 60
# what a cut-off sender held is free after three seconds
TIMING = Timing(timeout=2.0, check_every=0.1, row_lease=3.0)


@pytest.fixture
def server(django_db_setup: None) -> Iterator[OwnServer]:
    with tempfile.TemporaryDirectory(prefix="fairwave-") as folder, in_use(Path(folder)):
        own = OwnServer(Path(folder))
        copy_tables(own)
        yield own


def made(members: int) -> dict[str, int]:
    return {"wave": triggered_wave(members).pk}


def sent(wave: int, url: str, honours_keys: bool) -> dict[str, Any]:
    settings.SMS_URL, settings.SMS_HONOURS_KEYS = url, honours_keys
    return send_wave(wave, limits=Limits(500, CONCURRENCY), timing=TIMING)


def messages(wave: int) -> dict[str, Any]:
    rows = Send.objects.filter(wave=wave, channel="sms").values_list("key", "state")
    return {"states": {str(key): state for key, state in rows}}


@pytest.mark.parametrize("honours_keys", [True, False])
def test_n4_a_database_restarted_in_the_middle_of_a_wave_doubles_and_misses_nobody(
    server, honours_keys
):
    wave = server.start(made, MEMBERS).result()["wave"]
    with sandbox.running(latency_ms=40, honour_keys=honours_keys) as box:

        def accepted() -> int:
            return int(box.received()["sms"]["accepted"])

        for restart in range(RESTARTS):
            process, until = server.start(sent, wave, box.url, honours_keys), restart * 1_000 + 500
            wait_until(lambda until=until: accepted() >= until, f"{until} accepted messages")
            server.restart_at_once()
            process.wait()
        report = server.start(sent, wave, box.url, honours_keys).result()
        counts, keys = box.received()["sms"], {message["key"] for message in box.messages()}
    states = server.start(messages, wave).result()["states"]
    found = Counter(states.values())
    assert (report["state"], report["pending"], report["total"]) == ("completed", 0, MEMBERS)
    assert counts["keys_accepted_twice"] == 0
    assert {key for key, state in states.items() if state == "sent"} <= keys
    assert keys <= {key for key, state in states.items() if state in ("sent", "unknown")}
    if honours_keys:
        assert found == {"sent": MEMBERS}
    else:
        assert found["sent"] + found["unknown"] == MEMBERS
        assert found["unknown"] <= RESTARTS * CONCURRENCY
