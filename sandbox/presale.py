"""`python -m sandbox.presale [--fans N] [--json] [--aws]`: one whole presale with pretend fans, by
the product's commands.

Every step is a management command that an engineer could type; the providers are the sandbox's,
over real connections.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

import sandbox
from fairwave import embedded, env
from sandbox import amazon, fans, presale_waves, report
from sandbox.presale_waves import APPROVER, PREPARER
from sandbox.steps import Presale, StepFailed, say

LATENCY_MS = 20
PER_SECOND = 1_000
# numbers the gateway refuses for good, and requests it is too busy for
FAIL_RATES = {"400": 0.004, "503": 0.02}


def main() -> int:
    options = arguments()
    started = time.monotonic()
    try:
        data = amazon.fresh_folder(env.data_folder()) if options.aws else env.data_folder()
        with providers_of(data, aws=options.aws) as providers:
            set_up(data)
            presale = Presale(next_campaign_id(), data)
            run(presale, options.fans, providers)
            result = report.summary(presale, aws=options.aws)
    except (ImproperlyConfigured, StepFailed) as failed:
        say(f"The demo stopped. {failed}")
        if options.json:
            print(json.dumps({"error": str(failed)}))  # noqa: T201
        return 1
    result["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps(result) if options.json else report.table(result))  # noqa: T201
    return 0 if result["proof"]["verified"] else 1


@contextmanager
def providers_of(data: Path, *, aws: bool) -> Iterator[sandbox.RunningSandbox]:
    """The sandbox's providers, with `aws` Amazon's services too, and the environment that names
    them.
    """
    with ExitStack() as running:
        if aws:
            say("Starting Amazon's services: moto's server, which forgets everything at the end …")
            os.environ |= running.enter_context(amazon.running())
        providers = running.enter_context(
            sandbox.running(
                latency_ms=LATENCY_MS,
                fail_rates=FAIL_RATES,
                retry_after_seconds=0.2,
                token=env.text("SMS_TOKEN", "sandbox"),
                code_token=env.text("CODE_SERVICE_TOKEN"),
                codes_file=str(data / "sandbox-codes.jsonl"),  # which bin/serve knows too
            )
        )
        os.environ |= {
            "FAIRWAVE_DATA": str(data),
            "SMS_URL": providers.url,
            "SMS_PER_SECOND": str(PER_SECOND),
            "EMAIL_PER_SECOND": str(PER_SECOND),
            "CODE_SERVICE_URL": providers.url,
            "SLACK_WEBHOOK_URL": f"{providers.url}/slack/presale",
            "LOG_LEVEL": "ERROR",
        }
        yield providers


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/demo",
        description="Run one complete presale, from a messy score file to the proof.",
    )
    parser.add_argument(
        "--fans", type=int, default=20_000, metavar="N", help="number of sample fans (20,000)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the result as one JSON object on the last line"
    )
    parser.add_argument(
        "--aws",
        action="store_true",
        help="keep files, streams and queues on Amazon's services, played by moto's server",
    )
    options = parser.parse_args()
    if options.fans < 100:
        parser.error("--fans: a presale needs at least 100 fans.")
    return options


def set_up(data: Path) -> None:
    """A database that runs and is up to date, and the two people a wave needs. Raises
    ImproperlyConfigured if a setting is wrong.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairwave.settings")
    say(f"Starting. All files of this run are in {data} …")
    if not env.text("DATABASE_URL"):
        embedded.share(data)
    import django
    from django.core.management import call_command

    from fairwave import checks
    from operations.database.statements import unhurried

    django.setup()
    checks.stop_if_wrong()
    with unhurried(limits=("statement_timeout", "lock_timeout")):
        call_command("migrate", verbosity=0)
    call_command("setup_roles", stdout=io.StringIO(), stderr=io.StringIO())
    add_people()


def add_people() -> None:
    """The two people whom a wave needs, each with their role."""
    from django.contrib.auth.models import Group, Permission, User

    for name, role in ((PREPARER, "operator"), (APPROVER, "approver")):
        person, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
        person.groups.add(Group.objects.get(name__iexact=role))
    # The demo cannot wait a day between preparing and sending, so its preparer may expedite.
    User.objects.get(username=PREPARER).user_permissions.add(
        Permission.objects.get(codename="expedite_wave")
    )


def next_campaign_id() -> str:
    """A campaign of its own for each run, so that every run shows a whole presale."""
    from campaigns.models import Campaign

    number = 1
    while Campaign.objects.filter(campaign_id=f"demo-{number}").exists():
        number += 1
    return f"demo-{number}"


def run(presale: Presale, count: int, providers: sandbox.RunningSandbox) -> None:
    """The whole presale, from the upload of fans to the proof of their draw."""
    campaign, files = presale.campaign_id, presale.files
    make_files(files, campaign, count)
    presale.step(
        "Opening the campaign: the draw is locked and its commitment published",
        "load_campaign",
        str(files / "campaign.json"),
    )
    register(presale, campaign, files)
    scores = files / f"{campaign}.{fans.TIMESTAMP}.txt"
    presale.step(
        "Checking, drawing and publishing the score file", "process_scores", campaign, str(scores)
    )
    save_statistics(presale)
    assigned_before = providers.received()["codes"]["assigned"]
    presale_waves.send_all(presale, count)
    save_statistics(presale)
    presale.save_streams()
    presale.step("Merging past days of the lake", "merge_avro", "daily")
    presale.step(
        "Closing the campaign: the draw is revealed", "close_campaign", campaign, "--by", PREPARER
    )
    presale.step("Creating the proof of the draw", "proof_bundle", campaign)
    presale.steps["proof"] = verify(presale)
    received = providers.received()
    presale.steps["gateway"] = received["sms"]
    presale.steps["code_service"] = {"assigned": received["codes"]["assigned"] - assigned_before}


def make_files(files: Path, campaign_id: str, count: int) -> None:
    say(f"Creating {count:,} sample fans …")
    files.mkdir(parents=True, exist_ok=True)
    fans.write_campaign(
        files / "campaign.json", count, campaign_id=campaign_id, code_source="partner"
    )
    fans.write_registrations(
        files / "registrations-1.csv", count, late=files / "registrations-2.csv"
    )
    fans.write_scores(files / f"{campaign_id}.{fans.TIMESTAMP}.txt", count)


def register(presale: Presale, campaign: str, files: Path) -> None:
    """Two files of registrations, each saved to the lake, so that its days have more than one file
    to merge.
    """
    total = Counter[str]()
    for number in (1, 2):
        file = files / f"registrations-{number}.csv"
        done = presale.step(
            f"Importing registrations, file {number} of 2",
            "import_registrations",
            campaign,
            str(file),
        )
        total.update({"rows_in": done["rows_in"], "accepted": done["accepted"]} | done["rejected"])
        presale.save_streams()
    save_statistics(presale)
    counts = {name: total.pop(name) for name in ("rows_in", "accepted")}
    presale.steps["import_registrations"] = counts | {"rejected": dict(total)}


def save_statistics(presale: Presale) -> None:
    """The demo is over before the first five minutes are, and its charts would show nothing."""
    presale.step("Saving statistics", "save_stats")


def verify(presale: Presale) -> dict[str, Any]:
    """Check the bundle with nothing but the script inside it and a bare Python, as anyone outside
    would who downloaded it.
    """
    say("Checking the proof with the stand-alone script …")
    from console.proof.bundle import CHECKER
    from console.proof.proof import bundle_key
    from datalake.storage import buckets

    bundle = presale.files / "proof.zip"
    with buckets.scoring().open(bundle_key(presale.campaign_id)) as stored:
        bundle.write_bytes(stored.read())
    commitment = presale.steps["load_campaign"]["commitment"]
    command = [
        sys.executable,
        "-I",
        "-S",
        str(CHECKER),
        str(bundle),
        "--commitment",
        commitment,
        "--json",
    ]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    found = (
        json.loads(checked.stdout.splitlines()[-1]) if checked.stdout else {"error": checked.stderr}
    )
    return {"verified": checked.returncode == 0, "bundle": str(bundle), **found}


if __name__ == "__main__":
    sys.exit(main())
