"""The three waves of the demo: guests of the fan club come in an uploaded list and get partner
codes, the draw gives out most of the seats that are left, and a top-up the rest. [W-3, W-5, X-7]

Each is counted a second time, passes its pre-flight, is approved by another person than who
prepared it, and is sent at its notify date.
"""

from __future__ import annotations

import csv
import itertools
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox import fans
from sandbox.steps import Presale

PREPARER, APPROVER = "olivia", "amara"
NOTICE_SECONDS = 2.0
EXPEDITED = ("--by", PREPARER, "--expedite", "the demo does not wait a day")
GUESTS_MARKET = "us-east"
LIST_HEADER = ("globalUserId", "memberId", "marketId", "email", "phone", "code")
MARKETS_HEADER = ("marketId", "marketName", "capacity", "selectionTime", "codeSource")


def guests_of(count: int) -> list[fans.Fan]:
    """The guests among so many fans: one in 200, whose seats are kept for them."""
    usual = tuple(f"@{domain}" for domain in fans.DOMAINS)
    found = (fan for fan in fans.make(count) if fan.country == "US" and fan.email.endswith(usual))
    return list(itertools.islice(found, max(1, count // 200)))


def guest_rows(guests: Iterable[fans.Fan]) -> list[tuple[str, ...]]:
    """Their rows without codes, one of them twice, and one of a fan nobody knows."""
    rows = [(fan.fan_id, fan.member_id, GUESTS_MARKET, fan.email, fan.phone, "") for fan in guests]
    return [*rows, rows[0], ("unknown-fan", "", GUESTS_MARKET, "guest@mail.example", "", "")]


def drawn_capacities(capacities: dict[str, int], guests: int) -> dict[str, int]:
    """What the draw may fill of each market: not the guests' seats, nor one in ten (at least one),
    which is left for the top-up.
    """
    kept = {GUESTS_MARKET: guests}
    return {
        market_id: max(0, capacity - max(1, capacity // 10) - kept.get(market_id, 0))
        for market_id, capacity in capacities.items()
    }


def send_all(presale: Presale, count: int) -> None:
    """All waves, one after the other, and then the e-mails of all of them."""
    day = datetime.now(UTC).strftime("%Y%m%d")
    guests = guests_of(count)
    send_uploaded(presale, f"{day}-1", guests)
    send_drawn(presale, day, len(guests))
    send_top_up(presale, f"{day}-2")
    presale.step("Sending the queued e-mails", "deliver_email")


def send_uploaded(presale: Presale, date_key: str, guests: list[fans.Fan]) -> None:
    """The guests' wave, whose codes the code service makes."""
    config, rows = presale.files / "guests.json", presale.files / "guests.csv"
    write_csv(rows, LIST_HEADER, guest_rows(guests))
    due = soon()
    wanted = {
        "campaignId": presale.campaign_id,
        "notifyDate": due.isoformat(),
        "productId": "PROD-456",
        "source": "SFMC",
        "generateOfferCode": True,
    }
    config.write_text(json.dumps(wanted, indent=1))
    prepared = presale.step(
        "Uploading a wave of guests: the code service makes their codes",
        "upload_wave",
        *(str(config), str(rows), "--date-key", date_key),
        *("--reason", "guests of the fan club", *EXPEDITED),
    )
    finish(presale, "uploaded", prepared, prepared["accepted"], due)


def send_drawn(presale: Presale, date_key: str, guests: int) -> None:
    """Preview → prepare → approve by a second person → schedule → trigger → send."""
    markets = presale.files / "markets.csv"
    campaign = json.loads((presale.files / "campaign.json").read_text())
    capacities = {each["market_id"]: each["capacity"] for each in campaign["markets"]}
    wanted = drawn_capacities(capacities, guests)
    rows = [(market_id, "", str(seats), "", "own") for market_id, seats in wanted.items()]
    write_csv(markets, MARKETS_HEADER, rows)
    about = (presale.campaign_id, date_key, "--markets", str(markets))
    presale.step(
        "Previewing the drawn wave", "preview_wave", *about, "--notify-date", soon().isoformat()
    )
    due = soon()
    prepared = presale.step(
        "Preparing the drawn wave: members, codes and files",
        "prepare_wave",
        *(*about, "--notify-date", due.isoformat(), *EXPEDITED),
    )
    finish(presale, "drawn", prepared, prepared["selected"], due)


def send_top_up(presale: Presale, date_key: str) -> None:
    """The seats that are left go to the next fans in order."""
    due = soon()
    prepared = presale.step(
        "Preparing a top-up wave: free seats go to the next fans",
        "top_up_wave",
        *(presale.campaign_id, date_key, "--notify-date", due.isoformat(), *EXPEDITED),
    )
    finish(presale, "top-up", prepared, prepared["selected"], due)


def finish(
    presale: Presale, name: str, prepared: dict[str, Any], members: int, due: datetime
) -> None:
    """Pre-flight → approve by a second person → schedule → trigger → send a prepared wave."""
    wave = prepared["wave"]
    checked = presale.step(
        f"Checking the {name} wave before approval", "preflight_wave", wave, "--by", PREPARER
    )
    presale.step(
        f"Approving the {name} wave as a second person",
        "approve_wave",
        *(wave, "--by", APPROVER, "--digest", prepared["content_digest"]),
    )
    presale.step(f"Scheduling the {name} wave", "schedule_wave", wave, "--by", PREPARER)
    while datetime.now(UTC) < due:
        time.sleep(0.05)
    presale.step(f"Starting the {name} wave at its notify date", "run_scheduler", "--once")
    sent = presale.step(f"Sending {members:,} fans their codes", "send_wave", wave)
    presale.waves.append(
        {"name": name, "members": members, "approved_by": APPROVER, "preflight": checked["checks"]}
        | {"prepared": prepared, "sent": sent}
    )


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=NOTICE_SECONDS)


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
