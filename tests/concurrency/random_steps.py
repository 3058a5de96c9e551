"""What people and programs do to one campaign and its waves, drawn at random, and what must be true
of the database whatever they did.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from campaigns.choices import CampaignStatus
from campaigns.models import Activation, Campaign, FanScore, RuleChange
from campaigns.opening import close_campaign
from campaigns.rule_changes import options_of
from campaigns.scoring import activation
from operations.errors import Refusal
from operations.models import StatusChange
from tests.support.forms import read_by
from tests.support.people import client_of, why_late
from tests.support.waves import (
    NOTIFY,
    NOW,
    add_scores,
    approve,
    campaign_with,
    changed_waves,
    request,
)
from waves.actions import cancel
from waves.approval import renew
from waves.choices import CodeState, SendState, WaveState
from waves.holds import seats_given, unfinished
from waves.lifecycle import MOVES
from waves.models import Assignment, Code, Member, Send, Template, Wave
from waves.preparation.prepare import prepare
from waves.schedule import schedule
from waves.sending import new_messages, results
from waves.sending.triggering import trigger
from waves.template_edits import TemplateEdit, losing_approval

FANS = 16
KEYS = ("20260121", "20260122", "20260123")
_clients: dict[str, Client] = {}


def new_campaign() -> Campaign:
    """Two markets for half of the fans, two score files of different fans, a template."""
    campaign = campaign_with(FANS, {"west": 4, "east": 4})
    add_scores(campaign, [f"fan-{n:06d}" for n in range(4, FANS)], [0.9] * (FANS - 4))
    Template.objects.create(campaign=campaign, channel="sms", body="{campaign} {code}")
    return campaign


def next_schedule() -> None:
    """Where a process waits until the test has the next campaign ready."""


def at_work(number: int, first_seed: int, schedules: int, steps: int) -> None:
    """In a process of its own: its steps of each schedule."""
    for seed in range(first_seed, first_seed + schedules):
        next_schedule()
        campaign, dice = Campaign.objects.latest("id"), random.Random(f"{seed} {number}")
        for _ in range(steps):
            try:
                dice.choice(STEPS)(campaign.pk, dice)
            except Refusal:
                continue
    next_schedule()


def _prepare(campaign_pk: int, dice: random.Random) -> None:
    campaign = Campaign.objects.get(pk=campaign_pk)
    prepare(request(campaign, dice.choice(KEYS)), by=_person("ann"), now=NOW)


def _complete(campaign_pk: int, dice: random.Random) -> None:
    """As far as it goes: approved, scheduled, triggered, sent, completed."""
    wave = _some_wave(campaign_pk, dice)
    if wave.state == WaveState.PREPARED:
        approve(wave, by=_person("bob"), digest=wave.content_digest, now=NOW)
    if wave.state == WaveState.APPROVED:
        schedule(wave, by=_person("bob"), now=NOW)
    trigger(wave, by=_person("bob"), now=NOTIFY)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state=SendState.SENT)
    results.complete(wave.pk)


def _cancel(campaign_pk: int, dice: random.Random) -> None:
    cancel(_some_wave(campaign_pk, dice), by=_person("bob"), reason="rain")


def _activate(campaign_pk: int, dice: random.Random) -> None:
    campaign = Campaign.objects.get(pk=campaign_pk)
    files = list(campaign.score_files.order_by("pk"))
    if dice.random() < 0.3:
        activation.undo(campaign_pk, **why_late(campaign))
    else:
        activation.activate(dice.choice(files).pk, **why_late(campaign))


def _close(campaign_pk: int, dice: random.Random) -> None:
    if dice.random() < 0.3:
        close_campaign(campaign_pk, by=_person("bob"))


def _edit(campaign_pk: int, dice: random.Random) -> None:
    """The campaign's form, read and sent back with one value changed."""
    data = read_by(_person("root"), Campaign.objects.get(pk=campaign_pk))
    changed = dice.choice(["min_score", "markets-0-capacity", "markets-1-capacity", "name"])
    value = f"0.{dice.randrange(22, 60)}" if changed == "min_score" else dice.randrange(3, 9)
    _send(
        f"/admin/campaigns/campaign/{campaign_pk}/change/",
        data | {changed: value, "reason": "the venue changed"},
    )


def _template(campaign_pk: int, dice: random.Random) -> None:
    """The campaign's template, read and sent back changed; then what the scheduler does."""
    template = Template.objects.get(campaign=campaign_pk)
    data = read_by(_person("root"), template)
    data["body"] = f"{{campaign}} {{code}} {dice.randrange(100)}"
    after = Template(campaign=template.campaign, channel=template.channel, body=data["body"])
    losing = losing_approval(TemplateEdit(template, after))
    data["confirmed"] = ",".join(wave.name for wave in losing)
    _send(f"/admin/waves/template/{template.pk}/change/", data)
    for wave in changed_waves():
        renew(wave.pk, by=None, reason="content changed")


STEPS: tuple[Callable[[int, random.Random], None], ...] = (
    _prepare,
    _complete,
    _cancel,
    _activate,
    _close,
    _edit,
    _template,
)


def _some_wave(campaign_pk: int, dice: random.Random) -> Wave:
    waves = list(Wave.objects.filter(campaign=campaign_pk).select_related("campaign"))
    if not waves:
        raise Refusal("there is no wave yet")
    return dice.choice(sorted(waves, key=lambda wave: wave.pk))


def _person(name: str) -> User:
    return User.objects.get(username=name)


def _send(address: str, data: dict[str, Any]) -> None:
    """As a browser does; it is saved, or the page says why not."""
    if "root" not in _clients:
        _clients["root"] = client_of(_person("root"))
    answer = _clients["root"].post(address, data, SERVER_NAME="localhost")
    assert answer.status_code in (200, 302, 403), answer.status_code


def problems_of(campaign_pk: int) -> list[str]:
    """What is not as the rules say, asked of one snapshot of the database."""
    with transaction.atomic():
        campaign = Campaign.objects.get(pk=campaign_pk)
        waves = list(Wave.objects.filter(campaign=campaign))
        found = {
            "S-13": _active_file(campaign) + [p for wave in waves for p in _kept_file(wave)],
            "S-16": _rule_history(campaign),
            "C-2": _closed(campaign, waves),
            "K-5": [p for wave in waves for p in _codes(wave)],
            "K-6": _one_wave_a_fan(campaign),
            "W-2": [p for wave in waves for p in _moves(wave)],
            "W-5": _seats(campaign, waves),
        }
    return [f"{rule}: {problem}" for rule, problems in found.items() for problem in problems]


def _active_file(campaign: Campaign) -> list[str]:
    """The pointer is what the switches say that were not undone."""
    switches = Activation.objects.filter(campaign=campaign)
    last = switches.filter(undone=False).first()
    first = switches.order_by("id").first()
    if first is None:
        return []
    wanted = last.score_file_id if last else first.replaced_id
    return [] if campaign.active_score_file_id == wanted else ["another file is active"]


def _kept_file(wave: Wave) -> list[str]:
    members = Member.objects.filter(wave=wave).values_list("global_user_id", flat=True)
    scored = FanScore.objects.filter(
        score_file=wave.score_file, raw_score__gte=wave.least_score or 0
    ).values_list("global_user_id", flat=True)
    strangers = set(members) - set(scored)
    return [f"{wave.name} has members of another file or rule"] if strangers else []


def _rule_history(campaign: Campaign) -> list[str]:
    """From first to last, each listed change begins where the one before it ended."""
    now: dict[tuple[str, str], str] = {}
    problems = []
    for change in RuleChange.objects.filter(campaign=campaign).order_by("id"):
        key = (change.market_id, change.option)
        if now.get(key, change.before) != change.before:
            problems.append(f"{key} was {now[key]}, and is said to have been {change.before}")
        now[key] = change.after
    rules = options_of(campaign.pk)
    return problems + [
        f"{key} is {rules[key]}, not {now[key]}" for key in now if rules[key] != now[key]
    ]


def _closed(campaign: Campaign, waves: list[Wave]) -> list[str]:
    if campaign.status != CampaignStatus.CLOSED:
        return []
    left = unfinished(campaign.pk)
    closing = StatusChange.objects.get(
        subject_kind="campaign", subject_id=campaign.campaign_id, to_state="closed"
    )
    moved_later = StatusChange.objects.filter(
        subject_kind="wave", subject_id__in=[wave.name for wave in waves], id__gt=closing.pk
    )
    changed_later = RuleChange.objects.filter(campaign=campaign, at__gt=closing.at)
    switched_later = Activation.objects.filter(campaign=campaign, at__gt=closing.at)
    return [
        *([left] if left else []),
        *(
            f"{each} came after the closing"
            for each in (*moved_later, *changed_later, *switched_later)
        ),
    ]


def _codes(wave: Wave) -> list[str]:
    """Reserved or assigned codes are the members', in the members' markets."""
    codes = Code.objects.filter(wave=wave)
    if wave.state == WaveState.CANCELLED:
        kept = codes.filter(state=CodeState.RESERVED).count()
        return [f"{wave.name} is cancelled and keeps {kept} codes"] if kept else []
    if not wave.prepared_at or wave.state in (WaveState.CONFIGURED, WaveState.FAILED):
        return []
    held = set(codes.values_list("global_user_id", "code", "market"))
    members = set(Member.objects.filter(wave=wave).values_list("global_user_id", "code", "market"))
    return [] if held == members else [f"{wave.name} has codes that are not its members'"]


def _one_wave_a_fan(campaign: Campaign) -> list[str]:
    live = list(
        Member.objects.filter(campaign=campaign)
        .exclude(wave__state__in=[WaveState.CANCELLED, WaveState.FAILED])
        .values_list("global_user_id", flat=True)
    )
    assigned = list(
        Assignment.objects.filter(campaign=campaign).values_list("global_user_id", flat=True)
    )
    return [
        f"fans {what} twice"
        for what, fans in (("are members", live), ("hold codes", assigned))
        if len(set(fans)) < len(fans)
    ]


def _moves(wave: Wave) -> list[str]:
    """The history of the wave is one line of allowed moves to where it is."""
    history = StatusChange.objects.filter(subject_kind="wave", subject_id=wave.name).order_by("id")
    problems, state = [], ""
    for move in history:
        if move.from_state != state or (state and move.to_state not in MOVES[WaveState(state)]):
            problems.append(f"{wave.name} went from {state} by {move}")
        state = move.to_state
    if state != wave.state:
        problems.append(f"{wave.name} is {wave.state}, not {state}")
    return problems


def _seats(campaign: Campaign, waves: list[Wave]) -> list[str]:
    given = seats_given(campaign.pk)
    problems = [
        f"{market.market_id} has {market.capacity} seats and gave {given[market.pk]}"
        for market in campaign.markets.all()
        if given.get(market.pk, 0) > market.capacity
    ]
    for wave in waves:
        for row in wave.wave_markets.all():
            members = Member.objects.filter(wave=wave, market=row.market).count()
            if members not in (row.selected, 0) or row.given + row.room > row.capacity:
                problems.append(f"{wave.name} selected {members} of {row.room} for {row.name}")
    return problems
