"""What `bin/demo` shows at its end: the numbers of one presale, as its commands reported them, and
where its files are.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from fairwave import env
from sandbox.steps import Presale

GONE = (
    "Files on s3:// are gone: Amazon's services were played by moto's server, which has ended. Run"
    " bin/demo without --aws to see a presale in the site."
)
COUNTS = ("total", "ok", "failed", "skipped", "unknown", "pending")


def summary(presale: Presale, *, aws: bool) -> dict[str, Any]:
    """The numbers and places of interest; each as the step itself reported it, and summed over the
    waves where it is about all of them. With `aws` nothing can be looked at later.
    """
    steps, (uploaded, drawn, top_up) = presale.steps, presale.waves
    scores, wave, last = steps["process_scores"], drawn["prepared"], top_up["prepared"]
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
        "waves": [wave_summary(each) for each in presale.waves],
        "markets": markets_in_the_end(wave["markets"], last["markets"]),
        "selected": sum(each["members"] for each in presale.waves),
        "waitlist": last["waitlist"],
        "codes": {
            "own": wave["codes"]["reserved"] + last["codes"]["reserved"],
            "partner": uploaded["prepared"]["codes"]["generated"],
            "assigned_at_code_service": steps["code_service"]["assigned"],
        },
        "sent": summed(each["sent"] for each in presale.waves),
        "emails": steps["deliver_email"],
        "gateway": steps["gateway"],
        "verdicts": verdicts(presale.campaign_id),
        "lake": {"records": presale.saved, **merged(steps["merge_avro"]["merges"])},
        "proof": {"verified": steps["proof"]["verified"], "commitment": scores["commitment"]},
        "site": GONE if aws else how_to_look(),
        "where": {
            "scrubbed file": bucket.url_or_path(scores["scrubbed"]),
            "rejected rows": bucket.url_or_path(scores["rejected_file"]),
            "prepared wave": bucket.url_or_path(wave["zip"]),
            "wave status": bucket.url_or_path(wave["status_file"]),
            "lake": buckets.campaign_data().url_or_path("avro"),
            "e-mails": str(presale.folder / "emails"),
            "proof": steps["proof"]["bundle"],
            "input files": str(presale.files),
        },
    }


def verdicts(campaign_id: str) -> dict[str, Any]:
    """Who was selected, as the services behind the verdict queue and the table of events learn it.
    [T-4]
    """
    from datalake import queues
    from datalake.choices import QueueName
    from demand.models import SelectedEvents
    from demand.selected_events import dynamodb
    from waves.models import Selection

    return {
        "saved": Selection.objects.filter(campaign__campaign_id=campaign_id).count(),
        "fans_with_events": SelectedEvents.objects.filter(by_campaign__has_key=campaign_id).count(),
        "on_sqs": queues.is_on_sqs(QueueName.VERDICT),
        "messages_waiting": queues.waiting(QueueName.VERDICT),
        "events_to_write": dynamodb.to_write(),
    }


def wave_summary(wave: Mapping[str, Any]) -> dict[str, Any]:
    """One wave: what it was made of, who let it pass, what was sent."""
    prepared = wave["prepared"]
    about = ("wave", "codes", "second_count")
    rows = ("rows_in", "accepted", "rejected") if "rows_in" in prepared else ()
    return {
        "name": wave["name"],
        **{name: prepared[name] for name in (*about, *rows)},
        "members": wave["members"],
        "preflight": dict(Counter(check["color"] for check in wave["preflight"])),
        "approved_by": wave["approved_by"],
        "state": wave["sent"]["state"],
        "sent": summed([wave["sent"]]),
    }


def markets_in_the_end(
    drawn: list[dict[str, Any]], topped_up: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Each market's seats after the last wave: whose they are, and the lowest score selected."""
    wanted = {market["market_id"]: market["wanted"] for market in drawn}
    return [
        {
            "market_id": market["market_id"],
            "capacity": market["capacity"],
            "selected": market["given"] + market["selected"],
            "wanted": wanted[market["market_id"]],
            "cutoff": market["cutoff"],
        }
        for market in topped_up
    ]


def summed(results: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sums of the counts of some waves. [N-7]"""
    total, detail = Counter[str](), {"sms": Counter[str](), "email": Counter[str]()}
    for result in results:
        total.update({name: result[name] for name in COUNTS})
        for channel, counts in detail.items():
            counts.update(result["detail"][channel])
    return {**total, "detail": {channel: dict(counts) for channel, counts in detail.items()}}


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
    codes = result["codes"]
    twice = gateway["keys_accepted_twice"] or "none"
    rows += [
        ("selected in all", f"{result['selected']:>7,}, {result['waitlist']:,} on the waitlist"),
        ("", ""),
        *(line for wave in result["waves"] for line in lines_of_wave(wave)),
        (
            "codes",
            (
                f"{codes['own']:>7,} own, {codes['partner']:,} of the code service,"
                f" {codes['assigned_at_code_service']:,} assigned there"
            ),
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
        ("verdicts", line_of_verdicts(result["verdicts"])),
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
    lines = "\n".join(f"  {name:<40}{value}".rstrip() for name, value in rows)
    return f"{title}{lines}\n\n{result['site']}"


def line_of_verdicts(verdicts: Mapping[str, Any]) -> str:
    waiting = f"{verdicts['messages_waiting']:,}"
    return (
        f"{verdicts['saved']:>7,} saved, {verdicts['fans_with_events']:,} fans with events;"
        f" in the verdict queue: {'handed over to SQS, ' if verdicts['on_sqs'] else ''}"
        f"{waiting} waiting"
    )


def lines_of_wave(wave: Mapping[str, Any]) -> list[tuple[str, str]]:
    checks = ", ".join(f"{count} {color}" for color, count in wave["preflight"].items())
    passed = (
        f"{wave['members']:>7,} members, second count {wave['second_count']}, pre-flight {checks},"
        f" approved by {wave['approved_by']}"
    )
    rows = ledger("  rows of its list", wave) if "rows_in" in wave else []
    return [(f"{wave['name']} wave", passed), *rows]


def ledger(what: str, counts: Mapping[str, Any]) -> list[tuple[str, str]]:
    from console.words import words

    rejected = sum(counts["rejected"].values())
    summed = (
        f"{counts['rows_in']:>7,} rows in = {counts['accepted']:,} accepted + {rejected:,} rejected"
    )
    reasons = sorted(counts["rejected"].items(), key=lambda reason: -reason[1])
    return [(what, summed), *((f"  {words(reason)}", f"{count:>7,}") for reason, count in reasons)]
