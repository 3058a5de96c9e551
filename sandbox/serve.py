"""`python -m sandbox.serve [--port N]`: web, workers, scheduler, consumers and sandbox providers on
one machine.

What ends is started again, unless that happens before the site answers for the first time.
Everything ends on Ctrl-C. [T-1]
"""

from __future__ import annotations

import argparse
import fcntl
import io
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import IO

from django.core.exceptions import ImproperlyConfigured

import sandbox
from fairwave import data_folder, embedded, env

ROOT = Path(__file__).parent.parent
LATENCY_MS = 20
ELSEWHERE = "Stop it first, or set FAIRWAVE_DATA to another folder."
STOP_SECONDS = 8.0  # a worker that is killed then loses nothing: its job is taken up again [O-6]
READY_SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # from one start of a process to the next


def main() -> int:
    options = argparse.ArgumentParser(
        prog="bin/serve", description="Run the complete system on this machine."
    )
    options.add_argument("--port", type=int, default=8000)
    options.add_argument("--workers", type=int, default=2, help="background workers")
    chosen = options.parse_args()
    data = env.data_folder()
    if refused := data_folder.refusal(data):
        print(f"{refused.name}: {refused.problem} {refused.hint}", file=sys.stderr)  # noqa: T201
        return 1
    if (held := hold(data)) is None:
        print(f"bin/serve already runs on {data}. {ELSEWHERE}", file=sys.stderr)  # noqa: T201
        return 1
    if not env.text("DATABASE_URL"):
        embedded.share(data)
    signal.signal(signal.SIGTERM, _interrupt)
    address = f"http://127.0.0.1:{chosen.port}"
    receipts = f"{address}/receipts/sms_http"
    with sandbox.running(
        latency_ms=LATENCY_MS,
        receipts=True,
        receipt_url=receipts,
        receipt_secret=env.text("RECEIPT_SECRET", "sandbox"),
        token=env.text("SMS_TOKEN", "sandbox"),
        code_token=env.text("CODE_SERVICE_TOKEN"),
        codes_file=str(data / "sandbox-codes.jsonl"),
    ) as providers:
        os.environ |= {
            "SMS_URL": env.text("SMS_URL") or providers.url,
            "CODE_SERVICE_URL": env.text("CODE_SERVICE_URL") or providers.url,
            "SLACK_WEBHOOK_URL": env.text("SLACK_WEBHOOK_URL") or f"{providers.url}/slack/serve",
            "SITE_URL": env.text("SITE_URL") or address,
            "TASK_WORKERS": str(chosen.workers),
            "DJANGO_SETTINGS_MODULE": "fairwave.settings",
        }
        try:
            password = set_up()
        except ImproperlyConfigured as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1
        with held:
            return keep(start(data, chosen.port), address, password)


def hold(data: Path) -> IO[str] | None:
    """The lock of these data, as long as the file that is returned is open, or None while another
    process holds it. The kernel frees it with the process, however that ends.
    """
    data.mkdir(parents=True, exist_ok=True)
    lock = (data / "serve.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def set_up() -> str:
    """Migrate, make the roles; on a fresh database make the administrator. Returns its password, or
    nothing. Raises ImproperlyConfigured before anything is done if a setting is wrong.
    """
    import django
    from django.core.management import call_command

    from fairwave import checks
    from operations.database.statements import unhurried

    django.setup()
    checks.stop_if_wrong()
    with unhurried(limits=("statement_timeout", "lock_timeout")):
        call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("setup_roles", stdout=io.StringIO(), stderr=io.StringIO())
    from django.contrib.auth.models import User

    if User.objects.filter(is_superuser=True).exists():
        return ""
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser("admin", password=password)
    return password


class Program:
    """One process of the system; what it writes is added to its log."""

    def __init__(self, name: str, command: list[str], log: Path, **environment: str) -> None:
        self.name, self.command, self.log = name, command, log
        self.environment = environment
        self.pause = FIRST_PAUSE
        self.start()

    def start(self) -> None:
        self.started = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=os.environ | self.environment,
            )

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def start_again(self) -> bool:
        """Start it if it has rested; it rests longer the more often it ends soon. False if it still
        rests.
        """
        ran = time.monotonic() - self.started
        if ran < self.pause:
            return False
        self.pause = FIRST_PAUSE if ran > 2 * LONGEST_PAUSE else min(2 * self.pause, LONGEST_PAUSE)
        self.start()
        return True


def start(data: Path, port: int) -> list[Program]:
    """The processes of the system, each with its log below the data."""
    logs = data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    manage = [sys.executable, "manage.py"]
    web = [
        str(Path(sys.executable).with_name("granian")),
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    commands = {
        "web": [*web, "--blocking-threads", "8", "--no-ws", "fairwave.wsgi:application"],
        "workers": [*manage, "qcluster"],
        "scheduler": [*manage, "run_scheduler"],
        "consumers": [*manage, "consume"],
    }
    if env.text("S3_EVENTS_QUEUE"):
        commands["s3-events"] = [*manage, "consume_s3_events"]
    if env.text("EMAIL_QUEUE"):
        commands["email-queue"] = [*manage, "consume_email_queue"]
    if env.text("ARCHIVE_QUEUE"):
        commands["archive-queue"] = [*manage, "consume_archive_queue"]
    programs = [Program(name, each, logs / f"{name}.log") for name, each in commands.items()]
    reserved = Program(
        "wave-workers", commands["workers"], logs / "wave-workers.log", Q_CLUSTER_NAME="waves"
    )
    return [*programs, reserved]


def keep(programs: list[Program], address: str, password: str) -> int:
    """Say where the site is once it answers, and keep everything running until Ctrl-C."""
    try:
        if not _wait_until_ready(programs, address):
            for ended in (each for each in programs if each.has_ended):
                _say(f"{ended.name} stopped unexpectedly. Its log is {ended.log}")
            return 1
        _say(f"Fairwave is running at {address}/admin/. Press Ctrl-C to stop it.")
        if password:
            _say(
                f"Log in as admin with the password {password} (shown only once; change it in"
                " the menu under your name)."
            )
        while True:
            for each in programs:
                if each.has_ended and each.start_again():
                    _say(f"{each.name} stopped and was started again. Its log is {each.log}")
            time.sleep(0.5)
    except KeyboardInterrupt:
        _say("Stopping …")
        return 0
    finally:
        stop([each.process for each in programs])


def _wait_until_ready(programs: list[Program], address: str) -> bool:
    """False if one of them ends before the site answers, or it does not answer at all."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and not any(each.has_ended for each in programs):
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):  # noqa: S310 our own address
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ask all to end, and make those that do not. A second Ctrl-C must not leave some of them
    behind.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
