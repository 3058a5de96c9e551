"""What `bin/demo` leaves out: campaigns, waves, files and people in the states whose pages look
different. For pictures of every page. Each run adds new ones.
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from campaigns.choices import ListKind
from campaigns.models import ListEntry
from campaigns.scoring import dry_run
from console.models import Access, PersonalDataAccess
from console.people import accounts as users
from console.people import links
from datalake.models import DeadLetter
from sandbox import changes
from tests.console.erasure.erasure_cases import erase_fan
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    process_scores,
    receive_scores,
    registration_row,
    score_file_bytes,
    score_row,
)
from tests.support.people import late_arguments
from tests.support.waves import approve, campaign_with, person, request
from waves import actions
from waves.choices import Channel
from waves.models import Template, Wave
from waves.preparation.prepare import prepare
from waves.schedule import check_due_waves, schedule
from waves.sending import accounts

ZONE = "America/New_York"
LEAD = timedelta(days=3)


@dataclass
class Scene:
    """Who looks, and the pages to look at beside those that links lead to, by their captions."""

    administrator: User
    without_role: User
    pages: dict[str, str] = field(default_factory=dict)
    draws: dict[str, str] = field(default_factory=dict)
    set_password: str = ""
    fan: str = "fan-7"


def build() -> Scene:
    """Rows of every state."""
    admin = person("contact-sheet", superuser=True)
    nobody = person("nobody-yet")
    User.objects.filter(pk=admin.pk).update(is_staff=True)
    scene = Scene(User.objects.get(pk=admin.pk), nobody)
    for add in (_people, _campaigns, _files, _demand, _waves, _privacy):
        add(scene)
    return scene


def _people(scene: Scene) -> None:
    name = f"nora-{datetime.now(UTC):%H%M%S}"
    details = users.Details(name="Nora Vale", email=f"{name}@example.com", role="viewer")
    invited = users.invite(details, username=name, by=scene.administrator)
    link = links.create(invited.pk, by=scene.administrator)
    scene.set_password = link.url[link.url.index("/set-password/") :]
    scene.pages |= {
        "user: invited": f"/admin/users/{invited.pk}/",
        "user: without a role": f"/admin/users/{scene.without_role.pk}/",
    }


def _campaigns(scene: Scene) -> None:
    number = f"{datetime.now(UTC):%H%M%S}"
    empty = make_campaign(f"winter-{number}", markets=(), opened=False, time_zone=ZONE)
    draft = make_campaign(f"autumn-{number}", opened=False, time_zone=ZONE, artist="The Band")
    waiting = make_campaign(f"summer-{number}", opened=False, time_zone=ZONE)
    scene.pages |= {
        "campaign: draft without markets": f"/admin/campaign/{empty.campaign_id}/",
        "campaign: draft": f"/admin/campaign/{draft.campaign_id}/",
        "edit a draft": f"/admin/campaigns/campaign/{draft.pk}/change/",
        "campaign: draft, two markets": f"/admin/campaign/{waiting.campaign_id}/",
    }


def _files(scene: Scene) -> None:
    campaign = make_campaign(f"spring-{datetime.now(UTC):%H%M%S}", time_zone=ZONE)
    rows = [registration_row(number) for number in range(1, 41)]
    bad = [registration_row(41, phone="12"), registration_row(1), registration_row(42, email="a@b")]
    imported = import_registrations(campaign, [*rows, *bad])
    scored = [score_row(number, raw_local_fanscore=f"0.{50 + number}") for number in range(1, 41)]
    score_file = process_scores(
        campaign, score_file_bytes([*scored, score_row(43, raw_local_fanscore="high")])
    )
    later = receive_scores(campaign, score_file_bytes(scored[:30]), name="later")
    dry_run.check_first_rows(later.pk)
    with tempfile.TemporaryDirectory() as folder:
        ranks = Path(folder) / "ranks.csv"
        ranks.write_text("global_user_id,rank\nfan-1,1\nfan-2,2\nfan-3,first\n", encoding="utf-8")
        _command(
            "translate_ranks",
            campaign.campaign_id,
            str(ranks),
            *("--fanlist", campaign.campaign_id),
            *late_arguments(),
        )
    _command("fairness_report", str(score_file.pk))
    scene.draws = {
        "draw, committed": f"/draws/{campaign.campaign_id}",
        "draw, revealed": "/draws/demo-1",
        "draw, check my entry": "/draws/demo-1/check",
        "all draws": "/draws/",
    }
    scene.pages |= {
        "campaign: open": f"/admin/campaign/{campaign.campaign_id}/",
        "registrations with rejected rows": f"/admin/registrations/{imported.pk}/",
        "score file: active": f"/admin/score-file/{score_file.pk}/",
        "score file: waiting, dry run": f"/admin/score-file/{later.pk}/",
    }


def _demand(scene: Scene) -> None:
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "events.jsonl"
        changes.write(events, 1_000, bad=0.02, carried=0.1)
        _command("archive_demand", str(events))
    DeadLetter.objects.get_or_create(
        consumer="lake",
        source="scored",
        position=7,
        index=3,
        defaults={"error": "date.created is not a date", "record": '{"type": "scoring"}'},
    )


def _waves(scene: Scene) -> None:
    now, admin, second = timezone.now(), scene.administrator, person("bob", superuser=True)

    def wave(title: str, due: timedelta, *, approved: bool = True, scheduled: bool = True) -> Wave:
        campaign = campaign_with(30, time_zone=ZONE)
        wanted = request(campaign, f"{now + due:%Y%m%d}", notify_date=now + due)
        before = min(now, now + due - LEAD)
        made = prepare(wanted, by=admin, now=before).wave
        if approved:
            approve(made, by=second, digest=made.content_digest, now=before)
        if scheduled:
            made = schedule(made, by=second, now=before)
        scene.pages[f"wave: {title}"] = f"/admin/wave/{made.name}/"
        return made

    wave("held", timedelta(hours=-5))
    check_due_waves(now=now)
    cancelled = wave("cancelled", timedelta(days=5))
    actions.cancel(cancelled, by=second, reason="the second night was cancelled by the hall")
    wave("scheduled", timedelta(days=4))
    wave("due and late", timedelta(seconds=-40))
    wave("prepared", timedelta(days=6), approved=False, scheduled=False)
    void = wave("approval void", timedelta(days=7), scheduled=False)
    Template.objects.create(
        campaign=void.campaign,
        channel=Channel.SMS,
        body="{campaign}: your code is {code}, for {market} only",
    )
    check_due_waves(now=now - timedelta(hours=1))
    accounts.account("sms_http")
    accounts.pause("sms_http", "the gateway answers 401: check its token", by=second)
    scene.pages["new wave"] = f"/admin/campaign/{cancelled.campaign.campaign_id}/waves/new/"


def _privacy(scene: Scene) -> None:
    ListEntry.objects.get_or_create(kind=ListKind.BLACKLIST, pattern="@resale.example")
    PersonalDataAccess.objects.create(
        user=scene.administrator, what=Access.SHOWN, reason="a fan's call about a missing code"
    )
    erase_fan("fan-29", by=scene.administrator, reason="asked for on the phone")


def _command(name: str, *arguments: str) -> None:
    call_command(name, *arguments, "--json", stdout=io.StringIO(), stderr=io.StringIO())
