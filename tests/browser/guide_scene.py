"""What the operators' guide tells of and `bin/demo` leaves out: a second presale of pretend fans
that is still going on, with a wave in each state that the guide shows, and files on their way. On
a data folder of its own, after the demo.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db.models import Count
from django.db.models.functions import Now

from campaigns.models import Campaign, RankFile, ScoreFile
from campaigns.receipts import receipt_of_fan
from campaigns.scoring import dry_run, score_files
from datalake.storage import buckets
from demand.models import CurrentRecord, ErrorFile, Snapshot
from operations import leases
from operations.choices import JobState
from operations.models import Job
from operations.services import heartbeats
from sandbox import changes, fans
from sandbox.presale import make_files
from sandbox.presale_waves import (
    APPROVER,
    LIST_HEADER,
    MARKETS_HEADER,
    PREPARER,
    guest_rows,
    guests_of,
    write_csv,
)
from sandbox.steps import Presale
from tests.support.campaigns import make_campaign, receive_scores
from tests.support.score_files import messy
from tests.support.waves import person
from waves import actions
from waves.approval import renew
from waves.choices import Channel, SendState
from waves.models import Member, Send, Template, Wave
from waves.review import looks
from waves.schedule import check_due_waves
from waves.second_count import count
from waves.sending import new_messages

COUNT, CAMPAIGN, DONE = 3_000, "demo-2", "demo-1"
KEEPER = "nora"  # who may do what is late
LATE = ("--by", KEEPER, "--reason", "the phones were typed wrong")
SHORT_NOTICE = ("--by", PREPARER, "--expedite", "the band moved the presale forward")
EARLIER, NEWER = (
    "{campaign}: you are selected for {market}.",
    "{campaign} on {wave_date}: you are selected for {market}. Your code is {code}.",
)


@dataclass(frozen=True)
class Scene:
    """What the pictures are taken of: keys in addresses, and what is typed into forms."""

    campaign: str
    campaign_pk: int
    fresh: str
    done: str
    registrations: int
    score_file: int
    dry_run: int
    in_progress: int
    rank_file: int
    uploaded: str
    sending: str
    waiting: str
    fan: str
    code: str
    entry: str
    demand_record: int
    error_file: int

    def cancel(self, *waves: str) -> None:
        """So that no wave is left that may still be sent."""
        for wave in Wave.objects.filter(name__in=waves):
            by = User.objects.get(username=PREPARER)
            actions.cancel(wave, by=by, reason="the night was cancelled by the hall")


def build(folder: Path) -> Scene:
    """Rows of every state that the guide shows."""
    User.objects.filter(pk=person(KEEPER, superuser=True).pk).update(is_staff=True)
    for service in heartbeats.EXPECTED:
        heartbeats.beat(service, host="presale-1", pid=1)
    presale = Presale(CAMPAIGN, folder)
    make_files(presale.files, CAMPAIGN, COUNT)
    _change(presale.files / "campaign.json", name="Summer Tour", code_source="own")
    presale.step("Opening a second campaign", "load_campaign", str(presale.files / "campaign.json"))
    file = str(presale.files / "registrations-1.csv")
    registrations = presale.step("Importing", "import_registrations", CAMPAIGN, file)[
        "registration_file"
    ]
    scores = str(presale.files / f"{CAMPAIGN}.{fans.TIMESTAMP}.txt")
    number = presale.step("Drawing", "process_scores", CAMPAIGN, scores)["score_file"]
    presale.step("Testing", "fairness_report", str(number))
    sending = _sent_in_part(presale)
    uploaded = _uploaded(presale)
    waiting = _waiting(presale)
    member = Member.objects.filter(wave__name=sending).earliest("pk")
    tried, watched = _files_on_their_way()
    record, error_file = _demand(presale)
    done = Campaign.objects.get(campaign_id=DONE)
    drawn = Member.objects.filter(wave__campaign=done, wave__upload=None).earliest("pk")
    _supplemented(presale, number)
    return Scene(
        campaign=CAMPAIGN,
        campaign_pk=Campaign.objects.get(campaign_id=CAMPAIGN).pk,
        fresh="autumn",
        done=DONE,
        registrations=registrations,
        score_file=number,
        rank_file=_ranked(presale),
        dry_run=tried,
        in_progress=watched,
        uploaded=uploaded,
        sending=sending,
        waiting=waiting,
        fan=member.global_user_id,
        code=member.code,
        entry=_path_of(receipt_of_fan(done, drawn.global_user_id).link),
        demand_record=record,
        error_file=error_file,
    )


def _change(path: Path, **values: str) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def _prepare(presale: Presale, key: str, *, share: float, due: datetime) -> str:
    """A drawn wave that may fill this share of each market."""
    campaign, markets = fans.campaign(COUNT), presale.files / f"markets-{key}.csv"
    rows = [
        (each["market_id"], "", str(max(1, int(each["capacity"] * share))), "", "own")
        for each in campaign["markets"]
    ]
    write_csv(markets, MARKETS_HEADER, rows)
    asked = (CAMPAIGN, key, "--markets", str(markets), "--notify-date", due.isoformat())
    return str(presale.step("Preparing", "prepare_wave", *asked, *SHORT_NOTICE)["wave"])


def _sent_in_part(presale: Presale) -> str:
    """A wave that went out, most of its messages handed over."""
    due = datetime.now(UTC) + timedelta(minutes=2)
    name = _prepare(presale, f"{due:%Y%m%d}", share=0.5, due=due)
    presale.step("Checking", "preflight_wave", name, "--by", PREPARER)
    digest = Wave.objects.get(name=name).content_digest
    presale.step("Approving", "approve_wave", name, "--by", APPROVER, "--digest", digest)
    presale.step("Scheduling", "schedule_wave", name, "--by", PREPARER)
    # else its steps would say that it went out before its date
    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
    check_due_waves(now=due)
    wave = Wave.objects.get(name=name)
    new_messages.make_sends(wave)
    hand_over(name, 60)
    return name


def hand_over(name: str, count: int) -> None:
    """So many more messages of the wave are sent."""
    waiting = Send.objects.filter(wave__name=name, channel=Channel.SMS, state=SendState.PENDING)
    some = list(waiting.order_by("pk").values_list("pk", flat=True)[:count])
    Send.objects.filter(pk__in=some).update(state=SendState.SENT, sent_at=Now())


def _uploaded(presale: Presale) -> str:
    """A list of guests, two rows of it rejected."""
    due = datetime.now(UTC) + timedelta(days=6)
    config, rows = presale.files / "guests.json", presale.files / "guests.csv"
    write_csv(rows, LIST_HEADER, guest_rows(guests_of(COUNT)))
    wanted = {"campaignId": CAMPAIGN, "notifyDate": due.isoformat(), "productId": "PROD-456"}
    config.write_text(json.dumps(wanted | {"source": "SFMC", "generateOfferCode": True}))
    asked = (str(config), str(rows), "--date-key", f"{due:%Y%m%d}", "--by", PREPARER)
    return str(
        presale.step("Uploading", "upload_wave", *asked, "--reason", "guests of the band")["wave"]
    )


def _waiting(presale: Presale) -> str:
    """A wave that an approver has seen before its text was fixed; rehearsed, and to be approved."""
    campaign = Campaign.objects.get(campaign_id=CAMPAIGN)
    text = Template.objects.create(campaign=campaign, channel=Channel.SMS, body=EARLIER)
    due = datetime.now(UTC) + timedelta(days=5)
    name = _prepare(presale, f"{due:%Y%m%d}", share=0.2, due=due)
    wave, approver = Wave.objects.get(name=name), User.objects.get(username=APPROVER)
    looks.look(wave, approver, digest=wave.content_digest, now=datetime.now(UTC))
    Template.objects.filter(pk=text.pk).update(body=NEWER)
    renew(wave.pk, by=User.objects.get(username=PREPARER), reason="template changed")
    count.count_here(wave)
    presale.step("Checking", "preflight_wave", name, "--by", PREPARER)
    presale.step("Rehearsing", "rehearse_wave", name, "--by", PREPARER)
    return name


def _files_on_their_way() -> tuple[int, int]:
    """A score file after a dry run, and one that a worker reads."""
    campaign = make_campaign("autumn", artist="The Band")
    Campaign.objects.filter(pk=campaign.pk).update(name="Autumn Tour")
    tried, watched = (
        receive_scores(campaign, messy(count), name=f"autumn.{count}.txt") for count in (900, 901)
    )
    dry_run.check_first_rows(tried.pk)
    leases.claim(score_files.open_job(watched, by=None).pk).step("Checking rows")
    check_rows(watched.pk)
    return tried.pk, watched.pk


def check_rows(file: int) -> None:
    """A worker has checked rows of this score file for 20 seconds."""
    pace = {"step": "Checking rows", "rows": 2_000_000, "samples": [[time.time() - 20, 0]]}
    doing = {"pace": pace, "progress": 1_200_000, "total": 4_000_000}
    Job.objects.filter(subject_id=str(file), state=JobState.RUNNING).update(**doing)


def _supplemented(presale: Presale, number: int) -> None:
    """Rejected rows of a score file come back corrected."""
    with buckets.scoring().open(ScoreFile.objects.get(pk=number).rejected_key) as file:
        text = file.read().decode()
    corrected = presale.files / "corrected.csv"
    corrected.write_text(text.replace("n/a", "0.93"), encoding="utf-8")
    asked = (CAMPAIGN, str(corrected), "--supplement-of", str(number), *LATE)
    presale.step("Correcting rejected rows", "process_scores", *asked)


def _ranked(presale: Presale) -> int:
    """Ranks of a fan club, a few of which are no numbers."""
    ranks = presale.files / "ranks.csv"
    rows = [
        (fan.fan_id, fan.email, fan.country, str(place) if place % 100 else "first")
        for place, fan in enumerate(fans.make(1_000), 1)
    ]
    write_csv(ranks, ("global_user_id", "email", "country", "rank"), rows)
    asked = (CAMPAIGN, str(ranks), "--fanlist", "fanclub", *LATE)
    presale.step("Translating ranks", "translate_ranks", *asked)
    return RankFile.objects.latest("pk").pk


def _demand(presale: Presale) -> tuple[int, int]:
    """A record with more than one state, and a file of events that could not be archived."""
    events = presale.files / "events.jsonl"
    changes.write(events, 3_000, bad=0.02, carried=0.1)
    presale.step("Archiving change events", "archive_demand", str(events))
    often = Snapshot.objects.values("record_type", "reference_id").annotate(states=Count("pk"))
    named = often.order_by("-states", "reference_id").first()
    record = CurrentRecord.objects.get(
        record_type=named["record_type"], reference_id=named["reference_id"]
    )
    return record.pk, ErrorFile.objects.earliest("pk").pk


def _path_of(link: str) -> str:
    """Without the address of the site."""
    parts = urlsplit(link)
    return f"{parts.path}#{parts.fragment}"
