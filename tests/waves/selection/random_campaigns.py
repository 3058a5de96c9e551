"""Campaigns that chance makes, each twice: as rows of the product, and as the plain reading has it.
What happens to them meanwhile happens to both.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from campaigns.choices import ListKind
from campaigns.models import Campaign, ListEntry, Market, Registrant
from tests.support.people import keeper
from tests.support.waves import NOW, SALT, SEED, add_scores, campaign_with, person
from tests.waves.selection.plain_presale import (
    Asked,
    Contact,
    Line,
    PlainMarket,
    PlainWave,
    Presale,
    Registered,
    Scored,
)
from tests.waves.selection.plain_selection import band_score, luck_of
from waves.actions import cancel, reset
from waves.choices import Channel, SendState, SuppressedBy, WaveState
from waves.models import Send, Wave
from waves.sending import new_messages
from waves.sending.triggering import assign_codes
from waves.suppression.contacts import Contact as StoredContact
from waves.suppression.suppressed import Ground, suppress

MARKETS = ("west", "east", "north", "south", "isle")
RAW = (0.22, 0.3, 0.5, 0.5, 0.79, 0.8, 0.8, 0.9, 0.95, 1.0)
MINIMUMS = (None, None, None, None, 0.3, 0.5, 0.8)
# home, abroad, at home but free of charge, abroad and free of charge, not valid any more
PHONES = (
    "+12065550101",
    "+12065550102",
    "+447400123456",
    "+18002345678",
    "+448081570000",
    "+12065",
)
DOMAINS = (*["mail.example"] * 8, "bad.example", "deep.bad.example", "once.example")
CLOSES = NOW - timedelta(hours=2)
# what may become of a wave in this state
MOVES = {
    "configured": ("", "", "cancel"),
    "prepared": ("", "reset", "cancel", "trigger", "notify", "notify"),
    "triggered": ("", "cancel", "complete", "complete"),
    "triggered, told": ("cancel", "cancel", "complete"),
}
# how some campaigns begin: what their first waves ask for, and what becomes of each
Moves = Sequence[str | None]
Plot = Sequence[tuple[str, Moves]]
NOT_PLOTTED: Moves = (None, None)
PLOTTED = {
    "usual": Asked(),
    "reassign": Asked(reassign=True),
    "top-up": Asked(tops_up=True),
    "told": Asked(kind="not_selected"),
}
PLOTS: tuple[Plot, ...] = (
    [("usual", ["notify", "complete"]), ("told", ["notify", "cancel"]), ("usual", [""])],
    [("usual", ["trigger", "cancel"]), ("usual", ["notify", "cancel"]), ("usual", [""])],
    [("usual", ["notify", "cancel"]), ("reassign", ["notify", "complete"]), ("told", [""])],
    [("usual", ["notify"]), ("usual", [""]), ("told", [""])],
    [("usual", ["notify"]), ("usual", [""]), ("top-up", [""])],
)


class RandomCampaign:
    """`presale`: what is read; `campaign`: the same in the database; `now` goes on by itself."""

    def __init__(self, seed: int, plot: Plot = (), most_fans: int = 60) -> None:
        self.dice = dice = random.Random(seed)
        self.objecting = random.Random(f"{seed} objecting")
        self.plot, self.moves = list(plot), NOT_PLOTTED
        self.now, self.last_key = NOW, 0
        self.ties = dice.random() < 0.5
        names = dice.sample(MARKETS, dice.randint(1, len(MARKETS)))
        self.presale = Presale(
            campaign_id=f"random-{seed}",
            seed=SEED,
            salt=SALT,
            home_countries=dice.choice((["US"], ["US"], ["US", "GB"])),
            allow_intl_phones=dice.random() < 0.3,
            require_confirmed_phone=dice.random() < 0.5,
            min_score=dice.choice((0.22, 0.22, 0.22, 0.3)),
            markets={
                name: PlainMarket(
                    dice.choice((0, 1, 2, 3, 5, 8)),
                    dice.randint(0, 2),
                    CLOSES - timedelta(hours=dice.randint(0, 2)),
                )
                for name in names
            },
        )
        fans = [
            f"fan-{n:06d}"
            for n in range(
                dice.choice((1, 12, 30, 30, most_fans, most_fans, dice.randint(0, most_fans)))
            )
        ]
        self.presale.registered = {fan: self._registered() for fan in fans if dice.random() < 0.9}
        self.presale.scored = {fan: self._scored(fan) for fan in fans}
        self.campaign = self._stored()
        self.other = Campaign.objects.create(campaign_id=f"other-{seed}", name="Other")
        for kind, pattern in (("blacklist", "@bad.example"), ("disposable", "once.example")):
            self._list(kind, pattern)

    def _contact(self) -> Contact:
        dice = self.dice
        email = f"{dice.choice('abcd')}@{dice.choice(DOMAINS)}" if dice.random() < 0.8 else ""
        phone = dice.choice(PHONES) if dice.random() < 0.6 else ""
        return Contact(email, phone, bool(phone) and dice.random() < 0.5)

    def _preferences(self) -> list[str]:
        """Also none, and markets that the campaign does not have (any more)."""
        known = [*self.presale.markets, "gone"]
        return self.dice.sample(known, self.dice.randint(0, min(3, len(known))))

    def _registered(self, at: datetime | None = None) -> Registered:
        """Some at the very moment at which a market closes, some a microsecond later."""
        closes = self.dice.choice(
            [market.selection_time for market in self.presale.markets.values()]
        )
        earlier = self.dice.choice((0, *[3 * 3600 * 10**6] * 3, -1))
        moment = at or closes - timedelta(microseconds=earlier)
        return Registered(self._contact(), self._preferences(), moment)

    def _scored(self, fan: str) -> Scored:
        """The roster has what a fan asked for then, or nothing where they registered later."""
        dice, found = self.dice, self.presale.registered.get(fan)
        rostered = found.preferences if found else None
        if found and dice.random() < 0.2:
            rostered = dice.choice((None, self._preferences()))
        luck = None
        if self.ties:  # all 64 bits the same, or only those of which the band score is made
            luck = (dice.choice((1, 2**20, 2**52 - 1)) << 11) + dice.randint(0, 1)
        contact = self._contact()
        if found and dice.random() < 0.4:
            contact.phone = found.contact.phone
        return Scored(dice.choice(RAW), contact, rostered, luck)

    def _stored(self) -> Campaign:
        presale, dice = self.presale, self.dice
        options = ("home_countries", "allow_intl_phones", "require_confirmed_phone", "min_score")
        campaign = campaign_with(
            len(presale.scored),
            {name: market.capacity for name, market in presale.markets.items()},
            campaign_id=presale.campaign_id,
            raw_scores=[row.raw for row in presale.scored.values()],
            rostered=self._rosters(),
            scored=self._columns(),
            **{name: getattr(presale, name) for name in options},
        )
        for name, market in presale.markets.items():
            Market.objects.filter(campaign=campaign, market_id=name).update(
                position=market.position, selection_time=market.selection_time
            )
        Registrant.objects.filter(campaign=campaign).delete()
        self._register(campaign, dice.sample(list(presale.registered), len(presale.registered)))
        return campaign

    def _rosters(self) -> list[str | None]:
        asked = [row.rostered for row in self.presale.scored.values()]
        return [None if each is None else "|".join(each) for each in asked]

    def _columns(self) -> dict[str, list[Any]]:
        """Of the score file: contacts, and luck where it is made up."""
        rows = self.presale.scored
        made_up = {
            "luck": [luck_of(self.presale, fan) - 2**63 for fan in rows],
            "band_score": [band_score(self.presale, fan) for fan in rows],
        }
        return (made_up if self.ties else {}) | {
            "email": [row.contact.email for row in rows.values()],
            "phone": [row.contact.phone for row in rows.values()],
            "phone_confirmed": [row.contact.confirmed for row in rows.values()],
        }

    def _register(self, campaign: Campaign, fans: Iterable[str]) -> None:
        """The newest registration of each fan takes the place of an earlier one."""
        newest = {fan: self.presale.registered[fan] for fan in fans}
        rows = [
            Registrant(
                campaign=campaign,
                global_user_id=fan,
                email=found.contact.email,
                phone=found.contact.phone,
                phone_confirmed=found.contact.confirmed,
                preferences=found.preferences,
                registered_at=found.at,
                changed_at=found.at,
            )
            for fan, found in newest.items()
        ]
        Registrant.objects.filter(campaign=campaign, global_user_id__in=newest).delete()
        Registrant.objects.bulk_create(rows)

    def _list(self, kind: str, pattern: str) -> None:
        ListEntry.objects.get_or_create(campaign=self.campaign, kind=kind, pattern=pattern)
        if kind == ListKind.DISPOSABLE:
            self.presale.disposable.add(pattern)
        else:
            getattr(self.presale, kind).append(pattern)

    # ---- what a wave asks for

    def asked(self) -> tuple[str, Asked]:
        """A key and what its wave says: of a new one, or of one that was taken back."""
        dice, waves = self.dice, self.presale.waves
        self.now += timedelta(minutes=1)
        again = [key for key, wave in waves.items() if wave.state == "configured"]
        kind, self.moves = self.plot.pop(0) if self.plot else ("", NOT_PLOTTED)
        if again and not kind and dice.random() < 0.7:
            return again[0], waves[again[0]].asked
        self.last_key += 1
        return f"20260121-{self.last_key}", PLOTTED[kind] if kind else self._asked()

    def _asked(self) -> Asked:
        dice, states = self.dice, {wave.state for wave in self.presale.waves.values()}
        all_are_sent = states and states <= {"triggered", "completed", "cancelled"}
        if dice.random() < (0.25 if all_are_sent else 0.05):
            return Asked(kind="not_selected")
        if dice.random() < 0.2:
            return Asked(tops_up=True)
        file = self._file() if dice.random() < 0.5 else None
        markets = list(file or self.presale.markets)
        order = dice.choice(("by_preference", "by_preference", "by_market_order", "single_market"))
        return Asked(
            order=order,
            single_market=dice.choice(markets) if order == "single_market" else "",
            min_score=dice.choice(MINIMUMS),
            reassign=dice.random() < 0.4,
            file=file,
        )

    def _file(self) -> dict[str, Line]:
        dice, known = self.dice, list(self.presale.markets)
        lines = {}
        for name in dice.sample(known, dice.randint(1, len(known))):
            closes = dice.choice((None, CLOSES, CLOSES - timedelta(hours=2), self.now))
            if dice.random() < 0.03:
                closes = self.now + timedelta(microseconds=1)
            source = "tm" if dice.random() < 0.2 else None
            lines[name] = Line(dice.choice((None, None, 0, 1, 2, 4)), closes, source)
        return lines

    # ---- what becomes of it

    def prepared(self, wave: Wave, key: str, asked: Asked, markets: dict[str, PlainMarket]) -> None:
        """The wave was prepared: the reading takes its members as it read them, and then something
        happens to it.
        """
        members = wave.members.values_list("global_user_id", "market__market_id")
        self.presale.waves.pop(key, None)  # it was prepared last now
        self.presale.waves[key] = PlainWave(
            asked, "prepared", {fan: market or "" for fan, market in members}, markets
        )
        for move in self.moves:
            self._goes_on(key, move)

    def _goes_on(self, key: str, move: str | None = None) -> None:
        """Sent, called back, taken back, or nothing; by chance, unless the move is given."""
        plain = self.presale.waves[key]
        wave = Wave.objects.get(name=f"{self.presale.campaign_id}_{key}")
        has_told = plain.asked.kind == "not_selected" and plain.triggered
        state = f"{plain.state}, told" if has_told else plain.state
        move = self.dice.choice(MOVES.get(state, ("",))) if move is None else move
        if move in ("trigger", "notify"):
            self._trigger(wave, plain)
            self._notify(wave, plain, anybody=move == "notify")
        if move == "complete":
            Wave.objects.filter(pk=wave.pk).update(state=WaveState.COMPLETED)
            plain.state = "completed"
        if move == "reset":
            reset(wave, by=keeper(), reason="a test")
            plain.state, plain.members = "configured", {}
        if move == "cancel":
            cancel(wave, by=keeper(), reason="a test")
            plain.state = "cancelled"

    def _trigger(self, wave: Wave, plain: PlainWave) -> None:
        """Approvals are not what is read here."""
        Wave.objects.filter(pk=wave.pk).update(
            state=WaveState.TRIGGERED,
            triggered_at=self.now,
            approved_by=person("bob"),
            approved_digest=F("content_digest"),
            counted_digest=F("content_digest"),
        )
        wave.refresh_from_db()
        assign_codes(wave, now=self.now)
        plain.state, plain.triggered = "triggered", True
        for fan, market in plain.members.items():
            if market and plain.markets[market].code_source != "tm":
                self.presale.codes.setdefault(fan, market)

    def _notify(self, wave: Wave, plain: PlainWave, *, anybody: bool) -> None:
        """Whether a message has reached a fan, or may have."""
        new_messages.make_sends(wave)
        if anybody and (send := Send.objects.filter(wave=wave).first()) is not None:
            states = (SendState.SENT, SendState.UNKNOWN, SendState.DELIVERED, SendState.SENDING)
            Send.objects.filter(pk=send.pk).update(state=self.dice.choice(states))
            plain.notified = True

    def something_happens(self) -> None:
        """Seats, registrations, contacts, lists, options and scores go on changing."""
        self.change_seats()
        for change in self.dice.sample(CHANGES, self.dice.randint(0, 2)):
            change(self)
        if self.objecting.random() < 0.5:
            self.suppress_contacts()
        for key in list(self.presale.waves):
            if not self.plot and self.dice.random() < 0.5:
                self._goes_on(key)

    def change_seats(self) -> None:
        for name, market in self.presale.markets.items():
            more = self.dice.choice((0, 1, 2, 3, -1))
            market.capacity = max(0, market.capacity + more)
            Market.objects.filter(campaign=self.campaign, market_id=name).update(
                capacity=market.capacity
            )

    def register_late(self) -> None:
        every, known = self.presale.scored, self.presale.registered
        late = [fan for fan in every if fan not in known and self.dice.random() < 0.5]
        for fan in late:
            moments = (CLOSES, CLOSES + timedelta(hours=1), self.now)
            known[fan] = self._registered(self.dice.choice(moments))
        self._register(self.campaign, late)

    def change_contacts(self) -> None:
        """A newer registration: its contact and preferences count, its time does not."""
        known = self.presale.registered
        again = [fan for fan in known if self.dice.random() < 0.2]
        for fan in again:
            preferences = self._preferences()
            known[fan] = replace(known[fan], contact=self._contact(), preferences=preferences)
        self._register(self.campaign, again)

    def list_an_address(self) -> None:
        address = f"{self.dice.choice('abcd')}@{self.dice.choice(DOMAINS)}"
        self._list(self.dice.choice(("blacklist", "whitelist")), address)

    def suppress_contacts(self) -> None:
        """Of this campaign, and of another one, which changes nothing here."""
        known = [found.contact for found in self.presale.registered.values()]
        written = sorted({each for one in known for each in (one.email, one.phone) if each})
        for text in self.objecting.sample(written, min(2, len(written))):
            contact = StoredContact(Channel.EMAIL if "@" in text else Channel.SMS, text)
            campaign = self.objecting.choice((self.campaign, self.campaign, self.other))
            suppress([contact], Ground(SuppressedBy.STOP, campaign))
            if campaign == self.campaign:
                self.presale.suppressed.add(text)

    def raise_the_minimum(self) -> None:
        self.presale.min_score = 0.5
        Campaign.objects.filter(pk=self.campaign.pk).update(min_score=0.5)

    def score_anew(self) -> None:
        """Another file is active: other fans, other scores, a roster of its own."""
        every = sorted({*self.presale.scored, *self.presale.registered})
        kept = self.dice.sample(every, self.dice.randint(len(every) // 2, len(every)))
        self.presale.scored = {fan: self._scored(fan) for fan in kept}
        raw = [row.raw for row in self.presale.scored.values()]
        add_scores(self.campaign, kept, raw, self._rosters(), self._columns())


CHANGES = (
    RandomCampaign.register_late,
    RandomCampaign.change_contacts,
    RandomCampaign.list_an_address,
    RandomCampaign.raise_the_minimum,
    RandomCampaign.score_anew,
)
