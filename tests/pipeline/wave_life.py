"""The life of a campaign's codes and waves as a state machine: what people, workers, the scheduler
and the code service do, in any order, and what must be true of the database after every step.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from operator import attrgetter
from typing import Any, ClassVar
from unittest import mock

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from pytest_django.fixtures import Settings

from campaigns import rule_changes
from campaigns.locks import lock_campaign, lock_campaigns
from campaigns.opening import close_campaign
from operations import jobs
from operations.choices import JobState
from operations.errors import LeaseLost, Refusal
from operations.models import Job, StatusChange
from tests.pipeline.disturbances import Broken, Died, Disturbance, disturbances
from tests.support.life.code_moves import problems_of_moves
from tests.support.life.code_service_here import ServiceHere
from tests.support.life.wave_rules import UNPREPARED, problems_of_waves
from tests.support.waves import NOW, approve, campaign_with, person, request
from tests.waves.uploads.lists import row, submitted
from waves import actions, schedule, template_edits
from waves.choices import CodeCall, Order, SendState, WaveKind
from waves.codes import imports, partner_codes
from waves.models import (
    CODE_SERVICE,
    Assignment,
    Code,
    CodeServiceCall,
    Member,
    Send,
    Template,
    Wave,
    WaveMarket,
)
from waves.preparation import config_files, not_selected, prepare, status_files, submission, top_up
from waves.sending import new_messages, results, triggering
from waves.uploads import submission as uploads
from waves.uploads import upload

FANS = 10
KEYS = ("20260121", "20260121-2", "20260122", "20260123")
MARKETS = ("west", "east")
DEAD = "http://127.0.0.1:9"  # nothing listens there
RUNNERS = {submission.JOB_KIND: prepare.run, uploads.JOB_KIND: upload.run}
keys = st.sampled_from(KEYS)
sources = st.sampled_from(["own", "partner", "partner|own", "own|partner", "partner|tm"])
given_codes = st.sampled_from(["", "", "", "GIVEN1", "given1", "GIVEN2", "LIST1", "list2", "TM"])
rows_of_lists = st.lists(
    st.tuples(st.integers(0, FANS), st.sampled_from([*MARKETS, "west", "north"]), given_codes),
    min_size=1,
    max_size=7,
)
market_files = st.none() | st.dictionaries(
    st.sampled_from(MARKETS), st.tuples(st.integers(0, 4) | st.none(), sources), min_size=1
)
outcomes = st.sampled_from(["sent", "sent", "failed", "unknown", ""])  # of a first message
faults_of_service = st.sampled_from(
    ["503:1", "503", "400", "drop:1", "drop", "short", "short:1", "nonsense:1", "duplicate:1"]
)


class Life(RuleBasedStateMachine):
    """One campaign, in a transaction of its own that is undone in the end."""

    service: ClassVar[ServiceHere]
    settings: ClassVar[Settings]
    done: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.service.begin_anew()
        self.settings.CODE_SERVICE_URL = self.service.url
        self.example = transaction.atomic()
        self.example.__enter__()
        self.now = NOW
        self.lists: dict[str, dict[str, str]] = {}  # of uploaded waves, the code of each fan
        self.assigns = False  # whether this step may assign codes
        self.codes_imported = 0
        self.has_waves = False

    def teardown(self) -> None:
        moves = StatusChange.objects.filter(subject_kind="wave").values_list("to_state", flat=True)
        self.done.update(moves.distinct())
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)
        super().teardown()

    @initialize(
        wishes=st.lists(
            st.permutations(MARKETS).map(list) | st.sampled_from([[], ["west"], ["east"]]),
            min_size=FANS,
            max_size=FANS,
        ),
        west=st.integers(1, 4),
        east=st.integers(0, 4),
        source=sources,
    )
    def begin(self, wishes: list[list[str]], west: int, east: int, source: str) -> None:
        self.ann, self.bob = (person(name, superuser=True) for name in ("ann", "bob"))
        self.campaign = campaign_with(
            FANS, {"west": west, "east": east}, preferences=wishes, code_source=source
        )
        Template.objects.create(
            campaign=self.campaign, channel="sms", audience="selected", body="{campaign} {code}"
        )

    # What operators do.

    @rule(
        key=keys,
        order=st.sampled_from([None, None, Order.BY_MARKET_ORDER, Order.SINGLE_MARKET]),
        file=market_files,
        reassign=st.booleans(),
        in_worker=st.booleans(),
        disturbance=disturbances,
    )
    def prepare(self, key: str, in_worker: bool, disturbance: Disturbance | None, **asked: Any):
        values = {"notify_date": self.now + timedelta(days=2), "reassign": asked["reassign"]}
        if asked["file"] is not None:
            values["market_file"] = self.file_of(asked["file"])
        if asked["order"] is not None:
            values["order"] = asked["order"]
        if asked["order"] == Order.SINGLE_MARKET:
            values["single_market"] = "west"
        self.ask(request(self.campaign, key, **values), disturbance, in_worker=in_worker)

    @rule(key=keys, in_worker=st.booleans(), disturbance=disturbances)
    def prepare_simply(self, key: str, in_worker: bool, disturbance: Disturbance | None) -> None:
        wanted = request(self.campaign, key, notify_date=self.now + timedelta(days=2))
        self.ask(wanted, disturbance, in_worker=in_worker)

    @rule(key=keys, which=st.sampled_from([top_up, not_selected]), disturbance=disturbances)
    def prepare_follow_up(self, key: str, which: Any, disturbance: Disturbance | None) -> None:
        with self.as_asked():
            notify_date = self.now + timedelta(days=2)
            wanted = which.request_of(self.campaign.campaign_id, key, notify_date)
            self.ask(wanted, disturbance, in_worker=False)

    def ask(self, wanted: Any, disturbance: Disturbance | None, *, in_worker: bool) -> None:
        asked = {"by": self.ann, "now": self.now, "reason": "a test"}
        if in_worker:
            with self.as_asked():
                job = submission.submit(wanted, **asked)
                self.work(job, disturbance)
        else:
            self.attempt(wanted.name, lambda: prepare.prepare(wanted, **asked), disturbance)

    @rule(key=keys, rows=rows_of_lists, generates=st.booleans(), disturbance=disturbances)
    def upload(self, key: str, rows: list[Any], generates: bool, disturbance: Any) -> None:
        listed = [row(fan, market=market, code=code) for fan, market, code in rows]
        config = {"notifyDate": (self.now + timedelta(days=2)).isoformat()}
        asked = submitted(self.campaign, listed, key=key, generateOfferCode=generates, **config)
        with self.as_asked():
            job = uploads.submit(asked, by=self.ann, now=self.now)
            self.lists[job.subject_id] = {
                each["globalUserId"]: each["code"]
                for each in listed
                if each["code"] or not generates
            }
            self.work(job, disturbance)

    @precondition(attrgetter("has_waves"))
    @rule(
        nth=st.integers(0, len(KEYS) - 1),
        steps=st.integers(1, 5),
        hours=st.sampled_from([0, 0, 0, 3]),
        outcome=outcomes,
    )
    def go_on(self, nth: int, steps: int, hours: int, outcome: str) -> None:
        """The next steps of a wave that nobody disturbs."""
        for _ in range(steps):
            wave = self.wave(nth)
            state = wave.state
            with self.as_asked():
                if state == "prepared":
                    self.act("approve", wave)
                elif state == "approved":
                    self.act("schedule", wave)
                elif state == "scheduled":
                    self.now = max(self.now, wave.notify_date + timedelta(hours=hours))
                    self.check_due()
                elif state == "held":
                    self.act("trigger", wave)
                elif state == "paused":
                    self.act("resume", wave)
                elif state == "triggered":
                    self.send(wave, outcome)
            self.check()

    @precondition(attrgetter("has_waves"))
    @rule(
        nth=st.integers(0, len(KEYS) - 1),
        action=st.sampled_from(
            [
                *("approve", "schedule", "unschedule", "trigger", "pause", "resume", "reset"),
                *("reset", "cancel", "cancel", "reschedule"),
            ]
        ),
    )
    def by_hand(self, nth: int, action: str) -> None:
        """Anything, in any state: what W-2 does not allow is refused."""
        with self.as_asked():
            self.act(action, self.wave(nth))

    @rule(market=st.sampled_from(MARKETS), capacity=st.integers(0, 6))
    def change_capacity(self, market: str, capacity: int) -> None:
        """As the campaign's form does."""
        with self.as_asked(), transaction.atomic():
            campaign = lock_campaign(self.campaign.pk)
            before = rule_changes.options_of(campaign.pk)
            rule_changes.require_may_change(campaign, "a test")
            changed = campaign.markets.get(market_id=market)
            changed.capacity = capacity
            rule_changes.require_seats(campaign, [changed])
            changed.save(update_fields=["capacity"])
            rule_changes.record(campaign, before, by=self.ann, reason="a test")

    @rule(number=st.integers(0, 9), on_the_page=st.booleans())
    def edit_template(self, number: int, on_the_page: bool) -> None:
        """On its page, or by a program that tells nobody."""
        with transaction.atomic():
            lock_campaigns([self.campaign.pk])
            Template.objects.filter(campaign=self.campaign).update(
                body=f"{{campaign}} {{code}} {number}"
            )
            if on_the_page:
                template_edits.renew_waves(
                    Q(campaign=self.campaign), by=self.ann, reason="a new text"
                )

    @rule(count=st.integers(1, 4), market=st.sampled_from(["", *MARKETS]))
    def import_codes(self, count: int, market: str) -> None:
        """Some of them may be there already, in another case."""
        first, self.codes_imported = self.codes_imported, self.codes_imported + count
        file = "code\n" + "".join(f"List{n}\n" for n in range(max(0, first - 1), first + count))
        with self.as_asked():
            found = imports.receive(
                self.campaign,
                "codes.csv",
                io.BytesIO(file.encode()),
                origin="a partner",
                market_id=market,
                by=self.ann,
            )
            imports.process(imports.open_job(found, by=self.ann).pk)

    @rule()
    def close(self) -> None:
        if Wave.objects.filter(campaign=self.campaign, state="completed").count() > 1:
            with self.as_asked():
                close_campaign(self.campaign.pk, by=self.bob)

    # What workers and the scheduler do.

    @rule(disturbance=disturbances)
    def workers_take_up_what_waits(self, disturbance: Disturbance | None) -> None:
        """Also what is to be tried again, and what a dead worker left."""
        past = timezone.now() - timedelta(minutes=1)
        Job.objects.filter(retry_at__isnull=False).update(retry_at=past)
        jobs.requeue_due()
        waiting = Job.objects.filter(
            kind__in=RUNNERS, state__in=[JobState.QUEUED, JobState.RUNNING]
        )
        for job in waiting.order_by("pk"):
            self.work(job, disturbance)

    @rule(hours=st.sampled_from([1, 12, 49]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.check_due()

    @rule()
    def a_minute_passes(self) -> None:
        status_files.sweep()
        config_files.sweep()
        schedule.void_what_changed()
        with self.as_asked():
            partner_codes.give_back_codes()

    # What becomes of the code service.

    @rule(
        action=st.sampled_from(["reserve", "generate", "assign", "release"]),
        fault=faults_of_service,
    )
    def the_service_misbehaves(self, action: str, fault: str) -> None:
        self.service.misbehave(**{action: fault})

    @rule()
    def the_service_goes_away(self) -> None:
        self.settings.CODE_SERVICE_URL = DEAD

    @rule()
    def the_service_is_back(self) -> None:
        self.settings.CODE_SERVICE_URL = self.service.url
        self.service.misbehave()

    @rule()
    def the_service_settles(self) -> None:
        """Back and honest, it is told what comes back; then it knows of each code what we do. What
        it made for one fan, and whose answer was lost, it keeps while there may be another attempt.
        """
        self.the_service_is_back()
        partner_codes.give_back_codes()
        there = dict(self.service.box.codes.held)
        for code in Code.objects.filter(origin=CODE_SERVICE):
            allowed = {"released": {"available"}, "reserved": {"reserved"}}.get(
                code.state, {"assigned"} if code.confirmed_at else {"reserved", "assigned"}
            )
            assert there.pop(code.code).state in allowed, f"K-4: {code.code} is {code.state} here"
        unanswered = CodeServiceCall.objects.filter(answered_at=None)
        awaited = {fan for call in unanswered for fan, _ in call.pairs}
        in_use = {code: held.fan for code, held in there.items() if held.state != "available"}
        of_nobody = [code for code, fan in in_use.items() if not fan]
        if len(of_nobody) <= sum(c.quantity for c in unanswered if c.action == CodeCall.RESERVE):
            awaited.add("")
        lost = [code for code, fan in in_use.items() if fan not in awaited]
        assert lost == [], f"K-4: nobody has {lost}"

    # What is true after every step.

    @invariant()
    def check(self) -> None:
        may_assign, self.assigns = self.assigns, False
        moves = problems_of_moves(may_assign=may_assign)
        assert problems_of_waves(self.campaign) + moves == []
        self.has_waves = self.has_waves or Wave.objects.filter(campaign=self.campaign).exists()

    # How.

    def wave(self, nth: int) -> Wave:
        """One of those that there are."""
        found = Wave.objects.filter(campaign=self.campaign).select_related("campaign")
        waves = list(found.order_by("pk"))
        return waves[nth % len(waves)]

    @contextmanager
    def as_asked(self) -> Iterator[None]:
        """A person may be refused anything, and is told so."""
        try:
            yield
        except Refusal as refusal:
            self.refused(refusal)

    def refused(self, refusal: Refusal) -> None:
        assert str(refusal)
        self.done[type(refusal).__name__] += 1

    def act(self, action: str, wave: Wave) -> None:
        by_bob = {"by": self.bob, "reason": "a test"}
        self.assigns = action == "trigger"
        does: dict[str, Callable[[], object]] = {
            "approve": lambda: approve(wave, by=self.bob, digest=wave.content_digest, now=self.now),
            "schedule": lambda: schedule.schedule(wave, now=self.now, **by_bob),
            "unschedule": lambda: schedule.unschedule(wave, **by_bob),
            "trigger": lambda: triggering.trigger(wave, now=self.now, **by_bob),
            "pause": lambda: actions.pause(wave, **by_bob),
            "resume": lambda: actions.resume(wave, **by_bob),
            "reset": lambda: actions.reset(wave, **by_bob),
            "cancel": lambda: actions.cancel(wave, **by_bob),
            "reschedule": lambda: actions.reschedule(
                wave,
                notify_date=self.now + timedelta(days=3),
                now=self.now,
                by=self.ann,
                reason="a test",
            ),
        }
        does[action]()

    def check_due(self) -> None:
        self.assigns = True
        schedule.check_due_waves(now=self.now).raise_faults()

    def send(self, wave: Wave, outcome: str) -> None:
        """As a worker does, with this outcome for the first message, and the others sent; without
        one, it is still at work.
        """
        self.assigns = True
        if triggering.finish_trigger(wave, now=self.now) is not None:
            return
        new_messages.make_sends(wave)
        if outcome:
            first = Send.objects.filter(wave=wave, state=SendState.PENDING).order_by("pk").first()
            pending = {"state": SendState.PENDING}
            if first is not None:
                reason = "http_400" if outcome == SendState.FAILED else ""
                Send.objects.filter(pk=first.pk).update(state=outcome, reason=reason)
            Send.objects.filter(wave=wave, **pending).update(state=SendState.SENT)
            results.complete(wave.pk)

    def work(self, job: Job, disturbance: Disturbance | None) -> None:
        """A worker takes the job up."""
        run = RUNNERS[job.kind]
        self.attempt(job.subject_id, lambda: run(job.pk, now=self.now), disturbance)

    def attempt(
        self, name: str, work: Callable[[], object], disturbance: Disturbance | None
    ) -> None:
        """A preparation or an upload, which a fault or the end of its worker may cut short."""
        held = codes_of(name)
        attempts = attempts_of(name)
        disturbed = disturbance.at_work() if disturbance else mock.patch.dict({})
        try:
            with disturbed:
                work()
        except Refusal as refusal:
            self.refused(refusal)
        except Broken:
            self.done["a fault"] += 1
            wave = Wave.objects.filter(name=name).first()
            if wave is not None and wave.attempts > attempts:
                assert wave.state in ("failed", "prepared"), wave.state
        except (Died, LeaseLost):
            self.done["a death"] += 1
            # as a killed one leaves it: nobody queued it again
            Job.objects.filter(subject_id=name, kind__in=RUNNERS, state=JobState.QUEUED).update(
                state=JobState.RUNNING, lease_until=timezone.now() - timedelta(minutes=1)
            )
        self.require_same_codes(name, held)

    def require_same_codes(self, name: str, held: dict[str, tuple[str, int, str]]) -> None:
        """Who had a code reserved for the wave keeps it in the next attempt, where it is of the
        sources of their market, and their list gives them no other.
        """
        wave = Wave.objects.filter(name=name).first()
        if wave is None or wave.state in UNPREPARED:
            return
        listed = self.lists.get(name, {}) if wave.kind == WaveKind.UPLOADED else {}
        of_market = dict(WaveMarket.objects.filter(wave=wave).values_list("market", "code_source"))
        members = Member.objects.filter(wave=wave).values_list("global_user_id", "market", "code")
        returned = set(
            Assignment.objects.filter(campaign=self.campaign)
            .exclude(wave=wave)
            .values_list("global_user_id", flat=True)
        )
        for fan, market, code in members:
            had, at, source = held.get(fan, ("", 0, ""))
            if not had or at != market or fan in listed or fan in returned:
                continue
            if source in of_market[market].split("|"):
                assert code == had, f"W-9: {name} gave {fan} code {code} instead of {had}"
                self.done["a code found again"] += 1

    def file_of(self, wanted: dict[str, tuple[int | None, str]]) -> bytes:
        lines = [
            f"{market},,{'' if seats is None else seats},,{source}\n"
            for market, (seats, source) in wanted.items()
        ]
        return "".join(["marketId,marketName,capacity,selectionTime,codeSource\n", *lines]).encode()


def codes_of(name: str) -> dict[str, tuple[str, int, str]]:
    """Code, market and source of what is reserved for each fan of the wave."""
    found = Code.objects.filter(wave__name=name, state="reserved")
    return {
        fan: (code, market, source)
        for fan, code, market, source in found.values_list(
            "global_user_id", "code", "market", "source"
        )
    }


def attempts_of(name: str) -> int:
    return Wave.objects.filter(name=name).values_list("attempts", flat=True).first() or 0
