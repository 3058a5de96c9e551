"""A fan's code is to be sent again: judged, limited, and written down with its keys before anything
is sent. [X-12]
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import polars as pl
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from campaigns.choices import CampaignStatus, NotifyChannels, Reason
from campaigns.errors import WrongStatus
from campaigns.models import Campaign, Registrant
from campaigns.scoring import rules
from campaigns.scoring.outcomes import judge_contacts
from operations.database.locks import lock_in_transaction
from operations.database.retries import retried
from operations.jobs import record_move
from waves.choices import Channel, SendState
from waves.errors import ReasonMissing, ResendRefused
from waves.lifecycle import subject_of
from waves.locks import lock_wave
from waves.models import Assignment, Member, Resend, Send
from waves.sending import accounts
from waves.sending.run import not_going
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import entries_of
from waves.uploads.rows import rules_for

WITHIN: Final = timedelta(days=1)
ALLOWED: Final = (CampaignStatus.OPEN, CampaignStatus.CLOSED)
OPEN: Final = (SendState.PENDING, SendState.SENDING)
WORDS: Final = {Channel.SMS: "phone number", Channel.EMAIL: "e-mail address"}


@dataclass(frozen=True)
class Wanted:
    """Whose code is sent again, why, and to which contacts; without one, to those of the wave. The
    same `request` twice sends once.
    """

    campaign: Campaign
    fan: str
    reason: str
    request: uuid.UUID
    email: str = ""
    phone: str = ""


def ask(wanted: Wanted, *, by: User) -> list[Resend]:
    """Write down what is to be sent, an SMS, an e-mail or both, in the newest wave in which the fan
    has the code. Returns the rows, those of before where the request is known.

    Raises ReasonMissing, WrongStatus, ResendRefused, and what gathering the rules raises; then
    nothing is written.
    """
    if not wanted.reason.strip():
        raise ReasonMissing("Enter why the code is sent again. It is logged.")
    member = _holder(wanted)
    contacts = _judged(member, _contacts(member, wanted))
    return _write(member.pk, contacts, wanted, by)


def _holder(wanted: Wanted) -> Member:
    """The fan in the newest triggered wave that has their code. [K-6]"""
    mine = {"campaign": wanted.campaign, "global_user_id": wanted.fan}
    held = Assignment.objects.filter(**mine).select_related("code").first()
    if held is None:
        raise ResendRefused("This fan has no assigned code, so there is nothing to send again.")
    waves = wanted.campaign.waves.filter(triggered_at__isnull=False).values("pk")
    members = Member.objects.filter(
        wave__in=list(waves.values_list("pk", flat=True)),
        global_user_id=wanted.fan,
        code=held.code.code,
    )
    member = members.select_related("wave__campaign").order_by("-wave__triggered_at").first()
    if member is None:
        raise ResendRefused("No wave that was sent has this fan's code.")
    return member


def _contacts(member: Member, wanted: Wanted) -> dict[Channel, str]:
    """What was entered; without it what the wave has, by its channels. [N-1]"""
    given = {Channel.SMS: wanted.phone.strip(), Channel.EMAIL: wanted.email.strip()}
    if not any(given.values()):
        given = {Channel.SMS: member.phone, Channel.EMAIL: member.email}
        if member.phone and member.wave.notify_channels == NotifyChannels.SMS_FIRST:
            del given[Channel.EMAIL]
    found = {channel: contact for channel, contact in given.items() if contact}
    if not found:
        raise ResendRefused("This wave has no contact of the fan. Enter a phone or an e-mail.")
    return found


def _judged(member: Member, contacts: Mapping[Channel, str]) -> dict[Channel, str]:
    """The contacts as they are stored, each judged on its own, by today's rules and lists, as every
    contact. [S-4, S-5]
    """
    wave = member.wave
    mine = {"campaign": wave.campaign, "global_user_id": member.global_user_id}
    registrant = Registrant.objects.filter(**mine).first()
    confirmed = registrant.phone if registrant and registrant.phone_confirmed else ""
    in_force = rules_for(rules.gather(wave.campaign), wave.options)
    rows = pl.DataFrame(
        {
            "email": [contact * (each == Channel.EMAIL) for each, contact in contacts.items()],
            "phone": [contact * (each == Channel.SMS) for each, contact in contacts.items()],
            "country": [in_force.home_countries[0]] * len(contacts),
            "confirmed": [bool(confirmed)] * len(contacts),
            "known_phone": [confirmed] * len(contacts),
        }
    )
    judged = judge_contacts(rows, in_force).to_dicts()
    return {channel: _usable(channel, row) for channel, row in zip(contacts, judged, strict=True)}


def _usable(channel: Channel, row: Mapping[str, Any]) -> str:
    reason = row["contact_reason"]
    if reason and reason != Reason.NO_CONTACT:
        raise ResendRefused(f"This {WORDS[channel]} cannot be used: {Reason(reason).label}.")
    contact = row["phone"] if channel == Channel.SMS else row["email"]
    if not contact or (channel == Channel.SMS and not row["usable_phone"]):
        raise ResendRefused(f"This {WORDS[channel]} cannot be used. Check it.")
    return str(contact)


@retried
@transaction.atomic
def _write(
    member_pk: int, contacts: Mapping[Channel, str], wanted: Wanted, by: User
) -> list[Resend]:
    """Under the locks of campaign and wave; the limits of a person under a lock of their own."""
    member = Member.objects.get(pk=member_pk)
    wave = lock_wave(member.wave_id)
    if before := list(Resend.objects.filter(request=wanted.request).order_by("pk")):
        return before
    if wave.campaign.status not in ALLOWED:
        raise WrongStatus(
            f"Campaign {wave.campaign.campaign_id} is {wave.campaign.status}. A code can be sent"
            " again only while the campaign is open or closed."
        )
    if why := not_going(wave):
        raise ResendRefused(f"Wave {wave.name} {why}, so nothing of it is sent.")
    for channel, contact in contacts.items():
        _require_free(member, channel)
        _require_allowed(wanted.campaign, Contact(channel, contact))
    _require_within_limits(wanted, by)
    made = [
        Resend(
            request=wanted.request,
            by=by,
            why=wanted.reason.strip(),
            wave=wave,
            member=member,
            channel=channel,
            contact=contact,
            is_corrected=contact != (member.phone if channel == Channel.SMS else member.email),
            key=uuid.uuid5(wanted.request, channel),
        )
        for channel, contact in contacts.items()
    ]
    found = Resend.objects.bulk_create(made)
    kinds = " and ".join(str(channel.label) for channel in contacts)
    why = f"{kinds} to fan {wanted.fan}: {wanted.reason.strip()}"
    record_move(subject_of(wave), wave.state, "code sent again", by=by, reason=why)
    return found


def _require_free(member: Member, channel: Channel) -> None:
    """Nothing is stopped, and nothing to this fan is on its way. [N-6]"""
    if why := accounts.why_paused(channel):
        raise ResendRefused(why)
    waiting = {"member": member, "channel": channel, "state__in": OPEN}
    if Send.objects.filter(**waiting).exists() or Resend.objects.filter(**waiting).exists():
        raise ResendRefused(
            f"A message to this fan ({channel.label}) is still to be sent. Wait until it is"
            " settled."
        )


def _require_allowed(campaign: Campaign, contact: Contact) -> None:
    """Raises ResendRefused for who wants no messages, or cannot get them. [N-8]"""
    mine = Q(campaign=None) | Q(campaign=campaign)
    if entries_of(contact).filter(mine, lifted_at=None).exists():
        raise ResendRefused(
            f"This {WORDS[contact.channel]} is on the suppression list. Find out why there."
        )


def _require_within_limits(wanted: Wanted, by: User) -> None:
    """Raises ResendRefused. A request counts once, also where it is two messages."""
    lock_in_transaction(f"codes sent again by {by.pk}")
    lately = Resend.objects.filter(at__gte=Now() - WITHIN).values("request").distinct()
    mine = {"wave__campaign": wanted.campaign, "member__global_user_id": wanted.fan}
    if lately.filter(**mine).count() >= settings.RESENDS_PER_FAN:
        raise ResendRefused(
            f"This fan's code was sent again {settings.RESENDS_PER_FAN} times in the last 24 hours,"
            " which is the limit."
        )
    if lately.filter(by=by).count() >= settings.RESENDS_PER_PERSON:
        raise ResendRefused(
            f"You have sent codes again {settings.RESENDS_PER_PERSON} times in the last 24 hours,"
            " which is the limit."
        )
