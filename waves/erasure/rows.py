"""A fan is taken out of a campaign's waves, codes and messages. Code, seat, place and counts stay;
the second count and the proof of the draw find the same references as before. [X-11, K-6, X-14]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from campaigns.locks import lock_campaign, no_wave_selects
from campaigns.models import Campaign, Registrant
from datalake.erased.erasing import TABLE, Place, Sought, Touch, refuse_while
from datalake.erased.names import name_of
from datalake.records import dedupe_hash
from operations.database.locks import lock_in_key_order
from waves.choices import SendState, WaveState
from waves.digest import content_digest
from waves.locks import lock_selections
from waves.models import (
    Assignment,
    Code,
    CodeServiceCall,
    Member,
    RehearsalSend,
    Resend,
    Selection,
    Send,
    Wave,
)

AREA: Final = "waves"
ERASED: Final = "erased"  # why a message is skipped
UNSENT: Final = (
    *(WaveState.CONFIGURED, WaveState.CODE_GENERATED, WaveState.PREPARED),
    *(WaveState.APPROVED, WaveState.SCHEDULED, WaveState.HELD),
)
SENDS_BY_DIGEST: Final = (WaveState.TRIGGERED, WaveState.PAUSED, WaveState.COMPLETED)
_STOPPED: Final[dict[str, Any]] = dict.fromkeys(("claim", "lease_until", "not_before"))
_EMPTIED: Final[dict[str, Any]] = dict.fromkeys(("member_id", "email", "phone", "language"), "")


@contextmanager
def locked(campaign_pk: int) -> Iterator[Campaign]:
    """A transaction in which nobody saves selections, and that holds the campaign's lock. In this
    order: who saves selections holds rows of registrants, and who waits for those may wait for a
    campaign. [T-4]
    """
    with transaction.atomic():
        lock_selections()
        yield lock_campaign(campaign_pk)


def refuse_while_at_work(campaign: Campaign, sought: Sought) -> None:
    """Raises EraseLater while a wave of the campaign selects, has the fan and is not sent, or is
    sending to them. Call it in `locked`: no wave selects until the transaction ends, and the fan is
    none of the next one's; no selection is saved, either. [K-7, X-5, T-4]
    """
    refuse_while(
        not no_wave_selects(campaign.pk),
        f"A wave of campaign {campaign.campaign_id} is being prepared. The fan is erased when that"
        " is finished.",
    )
    members = _members(campaign, sought)
    unsent = members.filter(wave__state__in=UNSENT).values_list("wave__name", flat=True).first()
    refuse_while(
        unsent is not None,
        f"The fan is in wave {unsent}, which was not sent yet. Wait until it is sent, or reset it"
        " and prepare it again: that leaves the fan out unless they have registered again.",
    )
    at_work = Q(state=SendState.SENDING, lease_until__gt=Now(), member__in=members)
    refuse_while(
        any(model.objects.filter(at_work).exists() for model in (Send, Resend)),
        "A message to the fan is being sent. The fan is erased when that is finished.",
    )


def contacts_of(campaign: Campaign, sought: Sought) -> Iterator[str]:
    """The member ids, addresses and numbers that waves and messages of the campaign knew."""
    members = _members(campaign, sought)
    for values in members.values_list("member_id", "email", "phone"):
        yield from values
    yield from Resend.objects.filter(member__in=members).values_list("contact", flat=True)


def erase_rows(campaign: Campaign, sought: Sought, touch: Touch) -> None:
    """Take the fan out of the rows of the campaign's waves, in the transaction that holds its lock
    and in which the database knows that an erasure is at work.

    What is still sent of a wave is bound to the digest of what was approved: where it was whole
    before, it is written anew without the fan. [X-5]
    """
    waves = Wave.objects.filter(campaign=campaign)
    lock_in_key_order(waves)
    members = _members(campaign, sought)
    bound = waves.filter(state__in=SENDS_BY_DIGEST, members__in=members).exclude(approved_digest="")
    approved = [wave for wave in bound if content_digest(wave) == wave.approved_digest]
    _erase_messages(members, touch)
    name = name_of(campaign.campaign_id, sought.fan_id, sought.number)
    renamed = {"global_user_id": name}
    ours = {"campaign": campaign, "global_user_id": sought.fan_id}
    pks = [*members.values_list("pk", flat=True)]
    old = waves.exclude(is_new(sought))
    # first, because members who hold their code again follow it
    assigned = Assignment.objects.filter(**ours, wave__in=old)
    _note(touch, "assignments of codes", assigned.update(**renamed))
    Member.objects.filter(pk__in=pks).update(**renamed, **_EMPTIED)
    _note(touch, "members of waves", len(pks))
    codes = Code.objects.filter(wave__in=old, global_user_id=sought.fan_id)
    _note(touch, "access codes", codes.update(**renamed))
    new = Assignment.objects.filter(**ours).values_list("code__code", flat=True)
    chosen = Selection.objects.filter(**ours).exclude(code__in=new)
    if count := chosen.update(**renamed):
        _note(touch, "selections", count)
        # what the old code said is not said of a newer registration [T-4]
        Registrant.objects.filter(**ours).update(verdict=None)
    _note(touch, "calls to the code service", _erase_calls(old, sought, name))
    for wave in approved:
        digest = content_digest(wave)
        Wave.objects.filter(pk=wave.pk).update(
            content_digest=digest, approved_digest=digest, counted_digest=digest
        )


def new_identities(campaign: Campaign, sought: Sought) -> Iterator[str]:
    """Of the records of codes that the fan was assigned since they registered again. [T-5]"""
    record: dict[str, Any] = {"type": "codeAssignment", "campaignId": campaign.campaign_id}
    record |= {"globalUserId": sought.fan_id, "date": {"created": ""}}
    held = Assignment.objects.filter(campaign=campaign, global_user_id=sought.fan_id)
    for code in held.values_list("code__code", flat=True):
        yield dedupe_hash(record | {"code": code})


def is_new(sought: Sought, prefix: str = "") -> Q:
    """Waves that were prepared after the erasure was asked for: they have the fan only if they had
    registered again.
    """
    if sought.asked_for is None:
        return Q(pk__in=[])
    return Q(**{f"{prefix}prepared_at__gt": sought.asked_for})


def _members(campaign: Campaign, sought: Sought) -> Any:
    """The fan as a member of waves, but for new ones in which they do not come with an old code,
    whichever wave had assigned it. [W-6]
    """
    ours = {"campaign": campaign, "global_user_id": sought.fan_id}
    old = Assignment.objects.filter(**ours).exclude(is_new(sought, "wave__"))
    with_old_code = Exists(old.filter(code__code__iexact=OuterRef("code")))
    return Member.objects.filter(with_old_code | ~is_new(sought, "wave__"), **ours)


def _erase_messages(members: Any, touch: Touch) -> None:
    """Nothing more is sent to the fan, and where a message was sent to is not kept. What may have
    arrived is unknown, not skipped. [N-4]
    """
    pks = list(members.order_by("pk").values_list("pk", flat=True))
    # before any is changed, and in the order in which receipts lock them
    for model in (Send, Resend, RehearsalSend):
        lock_in_key_order(model._default_manager.filter(member__in=pks))
    again = Resend.objects.filter(member__in=pks)
    _note(touch, "messages sent again", again.exclude(contact="").update(contact=""))
    waiting = {"member__in": pks, "state__in": (SendState.PENDING, SendState.SENDING)}
    begun = Q(state=SendState.SENDING) | Q(maybe_accepted=True)
    lost = {"state": SendState.UNKNOWN, "reason": ERASED, "maybe_accepted": True, **_STOPPED}
    unknown = sum(model.objects.filter(begun, **waiting).update(**lost) for model in (Send, Resend))
    gone = {"state": SendState.SKIPPED, "reason": ERASED, **_STOPPED}
    skipped = sum(
        model.objects.filter(**waiting).update(**gone) for model in (Send, Resend, RehearsalSend)
    )
    _note(touch, "messages that may have arrived", unknown)
    _note(touch, "messages skipped", skipped)


def _erase_calls(waves: Any, sought: Sought, name: str) -> int:
    """Whom the code service was asked for, until it answers. [K-4]"""
    calls = CodeServiceCall.objects.filter(wave__in=waves, pairs__contains=[[sought.fan_id]])
    for call in calls:
        pairs = [[name if fan == sought.fan_id else fan, market] for fan, market, *_ in call.pairs]
        CodeServiceCall.objects.filter(pk=call.pk).update(pairs=pairs)
    return len(calls)


def _note(touch: Touch, table: str, count: int) -> None:
    if count:
        touch(Place(AREA, TABLE, table, count))
