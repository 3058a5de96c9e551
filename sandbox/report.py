"""What `bin/demo` shows at its end: the numbers of one presale, as its commands reported them, and
where its files are.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairwave import env


def summary(
    campaign_id: str, steps: Mapping[str, dict[str, Any]], saved: int, data: Path
) -> dict[str, Any]:
    """The numbers and places of interest; each as the step itself reported it."""
    scores, wave, sent = steps["process_scores"], steps["prepare_wave"], steps["send_wave"]
    from datalake.storage import buckets

    bucket = buckets.scoring()
    return {
        "campaign_id": campaign_id,
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
        "lake": {"records": saved, **merged(steps["merge_avro"]["merges"])},
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
            "input files": str(data / "demo" / campaign_id),
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
    lines = "\n".join(f"  {name:<40}{value}".rstrip() for name, value in rows)
    return f"{title}{lines}\n\n{result['site']}"


def ledger(what: str, counts: dict[str, Any]) -> list[tuple[str, str]]:
    from console.words import words

    rejected = sum(counts["rejected"].values())
    summed = (
        f"{counts['rows_in']:>7,} rows in = {counts['accepted']:,} accepted + {rejected:,} rejected"
    )
    reasons = sorted(counts["rejected"].items(), key=lambda reason: -reason[1])
    return [(what, summed), *((f"  {words(reason)}", f"{count:>7,}") for reason, count in reasons)]
