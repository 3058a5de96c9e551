"""`python -m sandbox.presale [--fans N] [--json]`: one whole presale with pretend fans, by the
product's commands.

Every step is a management command that an engineer could type; the providers are the sandbox's,
over real connections.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sandbox
from fairwave import embedded, env
from sandbox import fans

PREPARER, APPROVER = "olivia", "amara"
LATENCY_MS = 20
PER_SECOND = 1_000
# numbers the gateway refuses for good, and requests it is too busy for
FAIL_RATES = {"400": 0.004, "503": 0.02}
NOTICE_SECONDS = 2.0


class StepFailed(Exception):
    """A command failed; the message is its error."""


@dataclass
class Presale:
    """What has happened so far, step by step, as the commands reported it."""

    campaign_id: str
    folder: Path
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    saved: int = 0

    def step(self, title: str, command: str, *arguments: str) -> dict[str, Any]:
        """Run a command, show its title and time, keep its result under its name."""
        from django.core.management import call_command

        say(f"{title} …")
        out = io.StringIO()
        try:
            call_command(command, *arguments, "--json", stdout=out, stderr=io.StringIO())
        except SystemExit:
            raise StepFailed(
                f"{command}: {json.loads(out.getvalue().splitlines()[-1])['error']}"
            ) from None
        result: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
        self.steps[command] = result
        return result

    def save_streams(self) -> None:
        """Let every consumer take what the streams hold; the lake's records are added up."""
        self.saved += self.step("Saving the streams to the lake", "consume", "--once")["lake"][
            "out"
        ]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def main() -> int:
    options = arguments()
    started = time.monotonic()
    data = env.data_folder()
    with sandbox.running(
        latency_ms=LATENCY_MS, fail_rates=FAIL_RATES, retry_after_seconds=0.2
    ) as providers:
        os.environ |= {
            "SMS_URL": providers.url,
            "SMS_PER_SECOND": str(PER_SECOND),
            "SLACK_WEBHOOK_URL": f"{providers.url}/slack/presale",
            "LOG_LEVEL": "ERROR",
        }
        set_up(data)
        presale = Presale(next_campaign_id(), data)
        try:
            run(presale, options.fans, providers)
        except StepFailed as failed:
            say(f"The demo stopped. {failed}")
            if options.json:
                print(json.dumps({"error": str(failed)}))  # noqa: T201
            return 1
    result = summary(presale) | {"seconds": round(time.monotonic() - started, 1)}
    print(json.dumps(result) if options.json else table(result))  # noqa: T201
    return 0 if result["proof"]["verified"] else 1


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
    options = parser.parse_args()
    if options.fans < 100:
        parser.error("--fans: a presale needs at least 100 fans.")
    return options


def set_up(data: Path) -> None:
    """A database that runs and is up to date, and the two people a wave needs."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairwave.settings")
    say(f"Starting. All files of this run are in {data} …")
    if not env.text("DATABASE_URL"):
        embedded.share(data)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("setup_roles", stdout=io.StringIO(), stderr=io.StringIO())
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
    campaign, files = presale.campaign_id, presale.folder / "demo" / presale.campaign_id
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
    send(presale, campaign)
    presale.save_streams()
    presale.step("Merging past days of the lake", "merge_avro", "daily")
    presale.step(
        "Closing the campaign: the draw is revealed", "close_campaign", campaign, "--by", APPROVER
    )
    presale.step("Creating the proof of the draw", "proof_bundle", campaign)
    presale.steps["proof"] = verify(presale)
    presale.steps["gateway"] = providers.received()["sms"]


def make_files(files: Path, campaign_id: str, count: int) -> None:
    say(f"Creating {count:,} sample fans …")
    files.mkdir(parents=True, exist_ok=True)
    fans.write_campaign(files / "campaign.json", count, campaign_id=campaign_id)
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
    counts = {name: total.pop(name) for name in ("rows_in", "accepted")}
    presale.steps["import_registrations"] = counts | {"rejected": dict(total)}


def send(presale: Presale, campaign: str) -> None:
    """Preview → prepare → approve by a second person → schedule → trigger → send."""
    due = datetime.now(UTC) + timedelta(seconds=NOTICE_SECONDS)
    date_key = due.strftime("%Y%m%d")
    wave = f"{campaign}_{date_key}"
    presale.step(
        "Previewing the wave", "preview_wave", campaign, date_key, "--notify-date", due.isoformat()
    )
    why = ("--expedite", "the demo does not wait a day")
    prepared = presale.step(
        "Preparing the wave: members, codes and files",
        "prepare_wave",
        campaign,
        date_key,
        "--notify-date",
        due.isoformat(),
        "--by",
        PREPARER,
        *why,
    )
    digest = prepared["content_digest"]
    presale.step(
        "Approving the wave as a second person",
        "approve_wave",
        wave,
        "--by",
        APPROVER,
        "--digest",
        digest,
    )
    presale.step("Scheduling the wave", "schedule_wave", wave, "--by", APPROVER)
    while datetime.now(UTC) < due:
        time.sleep(0.05)
    presale.step("Starting the wave at its notify date", "run_scheduler", "--once")
    presale.step(f"Sending {prepared['selected']:,} fans their codes", "send_wave", wave)
    presale.step("Sending the queued e-mails", "deliver_email")


def verify(presale: Presale) -> dict[str, Any]:
    """Check the bundle with nothing but the script inside it and a bare Python, as anyone outside
    would.
    """
    say("Checking the proof with the stand-alone script …")
    from console.proof.bundle import CHECKER

    bundle = presale.steps["proof_bundle"]["bundle"]
    commitment = presale.steps["load_campaign"]["commitment"]
    command = [
        sys.executable,
        "-I",
        "-S",
        str(CHECKER),
        bundle,
        "--commitment",
        commitment,
        "--json",
    ]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    found = (
        json.loads(checked.stdout.splitlines()[-1]) if checked.stdout else {"error": checked.stderr}
    )
    return {"verified": checked.returncode == 0, "bundle": bundle, **found}


def summary(presale: Presale) -> dict[str, Any]:
    """The numbers and places of interest; each as the step itself reported it."""
    steps, data = presale.steps, presale.folder
    scores, wave, sent = steps["process_scores"], steps["prepare_wave"], steps["send_wave"]
    from datalake.storage import buckets

    bucket = buckets.scoring()
    return {
        "campaign_id": presale.campaign_id,
        "registrations": {
            name: steps["import_registrations"][name]
            for name in ("rows_in", "accepted", "rejected")
        },
        "scores": {
            name: scores[name] for name in ("rows_in", "accepted", "rejected", "bands", "streamed")
        },
        "markets": wave["markets"],
        "selected": wave["selected"],
        "waitlist": wave["waitlist"],
        "codes": wave["codes"],
        "sent": {
            name: sent[name]
            for name in ("total", "ok", "failed", "skipped", "unknown", "pending", "detail")
        },
        "emails": steps["deliver_email"],
        "gateway": steps["gateway"],
        "lake": {"records": presale.saved, **merged(steps["merge_avro"]["merges"])},
        "proof": {"verified": steps["proof"]["verified"], "commitment": scores["commitment"]},
        "site": how_to_look(),
        "where": {
            "scrubbed file": bucket.url_or_path(scores["scrubbed"]),
            "rejected rows": bucket.url_or_path(scores["rejected_file"]),
            "prepared wave": bucket.url_or_path(wave["zip"]),
            "wave status": bucket.url_or_path(wave["status_file"]),
            "lake": buckets.campaign_data().url_or_path("avro"),
            "e-mails": str(data / "emails"),
            "proof": steps["proof"]["bundle"],
            "input files": str(data / "demo" / presale.campaign_id),
        },
    }


def how_to_look() -> str:
    """How to see the presale in the site: bin/serve uses the same data, and makes the administrator
    when it first runs on them.
    """
    from django.contrib.auth.models import User

    where = f"FAIRWAVE_DATA={shlex.quote(given)} " if (given := env.text("FAIRWAVE_DATA")) else ""
    known = User.objects.filter(is_superuser=True).first()
    sign_in = (
        f"log in as {known.username} (to set a new password:"
        f" {where}.venv/bin/python manage.py changepassword {known.username})"
        if known
        else "log in as admin with the password that it shows"
    )
    return (
        f"To see this presale in the site, run {where}bin/serve, open the address that it shows,"
        f" and {sign_in}. The campaign is on the home page."
    )


def merged(merges: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "files_merged": sum(merge["files"] for merge in merges),
        "merged_into": len(merges),
        "records_merged": sum(merge["records"] for merge in merges),
    }


def table(result: dict[str, Any]) -> str:
    """What a person reads at the end."""
    rows = [
        *ledger("registrations", result["registrations"]),
        *ledger("score file", result["scores"]),
        ("", ""),
    ]
    for market in result["markets"]:
        cutoff = "not full" if market["cutoff"] is None else f"cut-off {market['cutoff']:.6f}"
        taken = (
            f"{market['selected']:>7,} of {market['capacity']:,} seats, wanted by"
            f" {market['wanted']:,}, {cutoff}"
        )
        rows.append((f"selected in {market['market_id']}", taken))
    sent, lake, proof = result["sent"], result["lake"], result["proof"]
    sms, email, gateway = sent["detail"]["sms"], sent["detail"]["email"], result["gateway"]
    twice = gateway["keys_accepted_twice"] or "none"
    rows += [
        ("selected in all", f"{result['selected']:>7,}, {result['waitlist']:,} on the waitlist"),
        (
            "codes",
            "        " + ", ".join(f"{count:,} {what}" for what, count in result["codes"].items()),
        ),
        ("", ""),
        (
            "fans",
            (
                f"{sent['ok']:>7,} accepted, {sent['failed']:,} failed, {sent['unknown']:,}"
                f" unknown, {sent['skipped']:,} skipped"
            ),
        ),
        ("by SMS", f"{sms['sent']:>7,} sent, {sms['failed']:,} failed"),
        (
            "  seen by the gateway",
            (
                f"{gateway['keys']:>7,} keys in {gateway['requests']:,} requests, {twice} of them"
                " accepted twice"
            ),
        ),
        (
            "by e-mail",
            (
                f"{result['emails']['sent']:>7,} sent,"
                f" {email['failed'] + result['emails']['failed']:,} failed"
            ),
        ),
        ("", ""),
        ("records in the lake", f"{lake['records']:>7,} saved by this run"),
        (
            "files merged",
            (
                f"{lake['files_merged']:>7,} into {lake['merged_into']:,},"
                f" {lake['records_merged']:,} records"
            ),
        ),
        (
            "proof of the draw",
            (
                f"{'verified' if proof['verified'] else 'NOT VERIFIED'} against commitment"
                f" {proof['commitment'][:16]}…"
            ),
        ),
        ("", ""),
        *((f"{name}", path) for name, path in result["where"].items()),
        ("took", f"{result['seconds']} s"),
    ]
    title = f"\nThe presale {result['campaign_id']}, end to end\n"
    lines = "\n".join(f"  {name:<24}{value}".rstrip() for name, value in rows)
    return f"{title}{lines}\n\n{result['site']}"


def ledger(what: str, counts: dict[str, Any]) -> list[tuple[str, str]]:
    rejected = sum(counts["rejected"].values())
    summed = (
        f"{counts['rows_in']:>7,} rows in = {counts['accepted']:,} accepted + {rejected:,} rejected"
    )
    reasons = sorted(counts["rejected"].items(), key=lambda reason: -reason[1])
    return [(what, summed), *((f"  {reason}", f"{count:>7,}") for reason, count in reasons)]


if __name__ == "__main__":
    sys.exit(main())
