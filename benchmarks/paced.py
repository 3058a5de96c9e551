"""What a rate allows and what is reached: SMS at 200 a second by the times at which the sandbox
received them, and both channels of a wave at 1,000 a second each, beside the ideal, while its page
is looked at. E-mails go through Marketing Cloud's REST API: over SMTP no sender reaches 1,000 a
second on two cores that also hold the mail server; `emailing` has that.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.contrib.auth.models import User
from django.test import Client

import sandbox
from benchmarks.figures import Bound, Figure
from benchmarks.support.sent_waves import triggered_wave, unsent
from sandbox.behaviour import most_in_a_second
from waves.models import Send, Wave

ROWS = 60_000
RATE, RATE_SECONDS, STEADY_FROM, LATENCY_MS = 200, 75, 5, 20
PACE = 1_000
SLOWEST_PAGE_MS, MOST_GROWN_MB = 100, 30
SENDER = """
import sys
import django; django.setup()
from django.conf import settings
from waves.providers.sfmc.client import MarketingCloud
from waves.providers.sfmc.session import Credentials
from waves.sending import email_queue, send_wave
from waves.sending.accounts import Limits

channel, wave, url, per_second = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
limits = Limits(per_second, 200)
print(flush=True)
sys.stdin.readline()
if channel == "sms":
    settings.SMS_URL = url
    send_wave.send_wave(wave, limits=limits)
else:
    credentials = Credentials(url, "bench", settings.SMS_TOKEN)
    email_queue.deliver(provider=MarketingCloud(credentials, "bench"), limits=limits)
"""


def run(rows: int | None) -> list[Figure | Bound]:
    count = rows or ROWS
    wave = triggered_wave(count)
    return [*rate(wave), *both_channels(wave)]


def rate(wave: Wave) -> list[Bound]:
    """As many of the wave's SMS as RATE allows in RATE_SECONDS, or all."""
    unsent(wave)
    pending = Send.objects.filter(wave=wave, channel="sms", state="pending").order_by("id")
    beyond = pending.values_list("id", flat=True)[RATE * RATE_SECONDS : RATE * RATE_SECONDS + 1]
    if last := list(beyond):
        pending.filter(id__gte=last[0]).update(state="skipped")
    with sandbox.running(latency_ms=LATENCY_MS) as box, sender("sms", wave, box.url, RATE) as start:
        start()
        arrivals = box.arrivals()
    first = arrivals[0] + STEADY_FROM
    steady = [instant for instant in arrivals if instant >= first]
    share = (len(steady) - 1) / (steady[-1] - steady[0]) / RATE
    return [
        Bound(f"share of {RATE} SMS a second, from second {STEADY_FROM}", share, "", at_least=0.98),
        Bound("most SMS received in a second", most_in_a_second(arrivals), "", at_most=RATE),
        Bound(
            "most SMS received in a minute",
            most_in_a_second([instant / 60 for instant in arrivals]),
            "",
            at_most=RATE * 60,
        ),
    ]


def both_channels(wave: Wave) -> list[Figure | Bound]:
    """SMS and e-mails of the whole wave at PACE each, by a process for each channel."""
    counts = unsent(wave)
    looks: list[float] = []
    sizes: list[int] = []
    with (
        sandbox.running(latency_ms=LATENCY_MS) as box,
        sender("sms", wave, box.url, PACE) as start_sms,
        sender("email", wave, box.url, PACE) as start_email,
    ):
        look = looker(wave)
        started = time.monotonic()
        end_sms, end_email = start_sms(wait=False), start_email(wait=False)
        while not (end_sms.poll() is not None and end_email.poll() is not None):
            before = time.monotonic()
            look()
            looks.append((time.monotonic() - before) * 1_000)
            sizes.append(memory(end_sms.pid) + memory(end_email.pid))
            time.sleep(max(0.0, 0.5 - (time.monotonic() - before)))
        seconds = time.monotonic() - started
    ideal = max(counts.values()) / PACE
    sent = Send.objects.filter(wave=wave, state="sent").count()
    limit = f"the ideal at {PACE:,} a second each"
    note = f"of {counts['sms']:,} SMS and {counts['email']:,} e-mails {sent:,} were sent"
    early = sizes[len(sizes) // 4]
    return [
        Figure("both channels of a wave", sent, seconds, limit, ideal, 1.03, note),
        Bound(
            "middle of a wave's page meanwhile",
            statistics.median(looks),
            "ms",
            at_most=SLOWEST_PAGE_MS,
        ),
        Bound(
            "memory of both senders beyond that after a quarter",
            max(0, *(size - early for size in sizes[len(sizes) // 4 :])) / 1e6,
            "MB",
            at_most=MOST_GROWN_MB,
        ),
    ]


@contextmanager
def sender(
    channel: str, wave: Wave, url: str, per_second: int
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A process that is ready to send the wave's messages of a channel, and what starts it."""
    process = subprocess.Popen(
        [sys.executable, "-c", SENDER, channel, str(wave.pk), url, str(per_second)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()

    def start(*, wait: bool = True) -> subprocess.Popen[str]:
        process.stdin.write("\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        if wait:
            process.wait()
        return process

    try:
        yield start
    finally:
        process.stdin.close()
        process.wait(timeout=600)
        process.stdout.close()


def looker(wave: Wave) -> Callable[[], None]:
    """What looks at the wave's page as an administrator does."""
    person, _ = User.objects.get_or_create(
        username="bench-admin", defaults={"is_superuser": True, "is_staff": True}
    )
    client = Client()
    client.force_login(person)

    def look() -> None:
        answer = client.get(f"/admin/wave/{wave.name}/", HTTP_HOST="localhost")
        assert answer.status_code == 200

    look()
    return look


def memory(pid: int) -> int:
    """Bytes of a process at this moment; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
