"""What waves hold of their campaign: the seats they have given, its closing, and who comes into a
wave with a code that they hold already. [C-2, W-5, W-6]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl
from django.db import connection
from django.db.models import Exists, OuterRef, Q

from campaigns.models import Campaign
from operations.database.copying import nullable_frame_of
from operations.plurals import plural
from waves.choices import CodeState, Queue, SendState, WaveState
from waves.models import Assignment, Code, Member, Resend, Send, Template, Wave

WAVES_NAMED = 3
# Of fans who come with a code that they hold: `held_market` the market's key, `reassigned` their
# assignment's where they are in a completed wave too. [W-6]
HELD: Final = {"held_market": pl.Int64, "held_code": pl.String, "reassigned": pl.Int64}
NOBODY_RETURNS: Final = pl.DataFrame(schema={"global_user_id": pl.String, **HELD})
FINISHED = [WaveState.COMPLETED, WaveState.CANCELLED]
# A seat is used by each fan who is a member of a live wave, or whose code is assigned whatever
# became of the wave. [W-5]
SEATS_GIVEN = """
SELECT market_id, count(*) FROM (
    SELECT market_id, global_user_id FROM waves_member
    WHERE campaign_id = %(campaign)s AND wave_live AND wave_selects
    UNION SELECT market_id, global_user_id FROM waves_assignment WHERE campaign_id = %(campaign)s
) AS seats GROUP BY market_id
"""


def seats_given(campaign_pk: int) -> Mapping[int, int]:
    """Distinct fans who use a seat, by the market's key. Under the lock of the campaign's
    selection, or of the campaign, it can only fall. [W-5]
    """
    with connection.cursor() as cursor:
        cursor.execute(SEATS_GIVEN, {"campaign": campaign_pk})
        return dict(cursor.fetchall())


def unfinished(campaign_pk: int) -> str:
    """Why the campaign cannot close now: a wave that is neither completed nor cancelled, or a
    message that is pending, queued or in flight. Empty if nothing is left. [C-2]

    What is pending in a cancelled wave, or in the cancelled queue of one, is never sent.
    """
    waves = Wave.objects.filter(campaign_id=campaign_pk)
    open_wave = waves.exclude(state__in=FINISHED).order_by("id").first()
    if open_wave is not None:
        return (
            f"Wave {open_wave.name} is {open_wave.state}. Complete or cancel it before you close"
            " the campaign."
        )
    left = messages_left(campaign_pk)
    if left:
        return (
            f"{plural(left, 'message')} of the campaign {'is' if left == 1 else 'are'} still"
            " pending, queued or in flight. Close the campaign after they are sent."
        )
    return ""


def messages_left(campaign_pk: int) -> int:
    """Messages of the campaign's waves that are pending, queued or in flight."""
    messages = Send.objects.filter(wave__campaign=campaign_pk)
    cancelled = Q(wave__state=WaveState.CANCELLED) | Q(wave__queue=Queue.CANCELLED)
    waiting = messages.filter(state=SendState.PENDING).exclude(cancelled)
    return messages.filter(state=SendState.SENDING).count() + waiting.count()


def market_users(market_pk: int) -> list[str]:
    """What names the market, in words: waves, codes and templates. [C-3]"""
    waves = Wave.objects.filter(wave_markets__market=market_pk).order_by("id")
    names = list(waves.values_list("name", flat=True)[: WAVES_NAMED + 1])
    more = ["more waves"] if len(names) > WAVES_NAMED else []
    of_campaign = Campaign.objects.filter(markets=market_pk)
    reserved = Code.objects.filter(wave__campaign__in=of_campaign, market=market_pk)
    waiting = Code.objects.filter(
        campaign__in=of_campaign, state=CodeState.AVAILABLE, only_market=market_pk
    )
    codes = reserved.count() + waiting.count()
    templates = Template.objects.filter(market=market_pk).count()
    return [
        *(f"wave {name}" for name in names[:WAVES_NAMED]),
        *more,
        *([plural(codes, "code")] if codes else []),
        *([plural(templates, "template")] if templates else []),
    ]


# A message in one of these states has reached its fan, or may have.
CONTACTED = [
    *(SendState.SENDING, SendState.SENT, SendState.UNKNOWN),
    *(SendState.DELIVERED, SendState.UNDELIVERABLE),
]
_RETURNING = """
SELECT assignment.global_user_id, assignment.market_id, code.code, NULL
FROM waves_assignment AS assignment JOIN waves_code AS code ON code.id = assignment.code_id
WHERE assignment.campaign_id = %(campaign)s AND assignment.wave_id = ANY(%(free)s)
    AND NOT EXISTS (SELECT 1 FROM waves_member AS member WHERE member.wave_id = ANY(%(notified)s)
        AND member.global_user_id = assignment.global_user_id)
"""
# Whoever holds a code and is in no other wave that is still to be sent, or being sent.
_HOLDERS = """
SELECT assignment.global_user_id, assignment.market_id, code.code,
    CASE WHEN done.id IS NOT NULL THEN assignment.id END
FROM waves_assignment AS assignment JOIN waves_code AS code ON code.id = assignment.code_id
LEFT JOIN waves_member AS done ON done.campaign_id = assignment.campaign_id
    AND done.global_user_id = assignment.global_user_id AND done.wave_live
    AND done.reassigned_id IS NULL AND done.wave_id IS DISTINCT FROM %(wave)s
WHERE assignment.campaign_id = %(campaign)s AND NOT EXISTS (
    SELECT 1 FROM waves_member AS member JOIN waves_wave AS wave ON wave.id = member.wave_id
    WHERE member.campaign_id = %(campaign)s AND member.wave_live AND wave.state <> 'completed'
        AND wave.id IS DISTINCT FROM %(wave)s
        AND member.global_user_id = assignment.global_user_id)
"""


def code_holders(campaign_pk: int, wave_pk: int | None) -> pl.DataFrame:
    """Fans whom a wave that reassigns takes with the code that they hold, as `returning_fans`;
    `wave_pk`: that wave, if it is one already. [W-6]
    """
    return nullable_frame_of(_HOLDERS, NOBODY_RETURNS.schema, campaign=campaign_pk, wave=wave_pk)


def returning_fans(campaign_pk: int) -> pl.DataFrame:
    """Fans whose code was assigned by a wave that was cancelled before anybody was notified:
    `global_user_id` and HELD. They come into a later wave with the same code and market, and use
    no further seat. [W-6]
    """
    cancelled = dict(_cancelled_after_trigger(campaign_pk))
    free = [wave for wave, contacted in cancelled.items() if not contacted]
    if not free:
        return NOBODY_RETURNS
    notified = [wave for wave, contacted in cancelled.items() if contacted]
    return nullable_frame_of(
        _RETURNING, NOBODY_RETURNS.schema, campaign=campaign_pk, free=free, notified=notified
    )


def sources_of_codes(wave: Wave) -> list[int]:
    """The waves whose assigned codes its members may hold: its own, and those before. [W-6]"""
    triggered = Wave.objects.filter(campaign_id=wave.campaign_id, triggered_at__isnull=False)
    return [wave.pk, *triggered.exclude(pk=wave.pk).values_list("pk", flat=True)]


@dataclass(frozen=True)
class Freed:
    """What a cancelled wave leaves: fans whose code stays theirs, or who are not selected any more
    (`bound`), fans who are free with their codes, and whether a message has reached anybody, or may
    have.
    """

    bound: int
    free: int
    contacted: bool


def codes_kept(wave_pk: int) -> int:
    """How many fans of the wave have a code that stays theirs when it is cancelled. Under the
    wave's lock none is assigned meanwhile. [K-5]
    """
    held = Assignment.objects.filter(
        campaign=OuterRef("campaign"), global_user_id=OuterRef("global_user_id")
    )
    return Member.objects.filter(Exists(held), wave=wave_pk).count()


def freed_by(wave: Wave) -> Freed:
    """What is free and what is not after this wave was cancelled. No member is counted for it.
    [K-5, W-6, X-8]
    """
    triggered = wave.triggered_at is not None
    contacted = triggered and Wave.objects.filter(_contacted(), pk=wave.pk).exists()
    bound = wave.codes_kept if wave.selects else wave.selected * triggered
    return Freed(bound, wave.selected - bound, contacted)


def _cancelled_after_trigger(campaign_pk: int) -> list[tuple[int, bool]]:
    """The waves' keys, and whether a message of them has reached a fan, or may have."""
    cancelled = Wave.objects.filter(
        campaign_id=campaign_pk, state=WaveState.CANCELLED, triggered_at__isnull=False
    )
    return list(cancelled.annotate(contacted=_contacted()).values_list("pk", "contacted"))


def _contacted() -> Q:
    """Whether a message of a wave has reached a fan, or may have: its own, or one that support sent
    again. [X-12]
    """
    reached = Q(wave=OuterRef("pk")) & (Q(state__in=CONTACTED) | Q(maybe_accepted=True))
    return Exists(Send.objects.filter(reached)) | Exists(Resend.objects.filter(reached))
