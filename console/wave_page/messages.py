"""The messages of a wave, page by page: by channel, state and reason, or within a market. [N-3,
O-7]

Whatever is asked for is read in the order of an index. Without a market: which combinations of
channel, state and reason there are is known from the kept counts, so the pages of each are merged.
Within a market: fan by fan, in the order of their places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q, QuerySet

from operations.adminkit.masking import mask_email, mask_phone
from waves.choices import Channel, SendState
from waves.figures import kept
from waves.figures.parts import Figures
from waves.models import Member, Send, Wave

PAGE: Final = 50
# What can be chosen: the words, and the states that they mean.
STATES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "open": ("pending or in flight", (SendState.PENDING, SendState.SENDING)),
    "accepted": (
        "sent, with or without a receipt",
        (SendState.SENT, SendState.DELIVERED, SendState.UNDELIVERABLE),
    ),
    "notified": ("sent, and not undeliverable", (SendState.SENT, SendState.DELIVERED)),
    **{
        str(state): ("in flight" if state == SendState.SENDING else str(state), (state,))
        for state in SendState
    },
}


@dataclass(frozen=True)
class Filters:
    """What is shown; an empty one asks for all. `state`: a key of STATES; `market`: its row's
    number.
    """

    channel: str = ""
    state: str = ""
    reason: str = ""
    market: int | None = None


@dataclass(frozen=True)
class MessagePage:
    """Rows as the table shows them, and the message before and after which the next ones are."""

    rows: list[dict[str, Any]]
    before: int | None
    after: int | None


def page_of(
    wave: Wave, wanted: Filters, *, after: int = 0, before: int = 0, hidden: bool
) -> MessagePage:
    """The page behind the message `after`, or before the message `before`. `hidden`: contacts are
    masked.
    """
    forward = not before
    edge = Send.objects.filter(pk=after or before, wave=wave).select_related("member").first()
    find = _of_market if wanted.market is not None else _of_kinds
    rows = find(wave, wanted, edge, forward)
    more, rows = len(rows) > PAGE, rows[:PAGE]
    if not forward:
        rows.reverse()
    has_later = more if forward else edge is not None
    has_earlier = edge is not None if forward else more
    return MessagePage(
        [row_of(send, hidden=hidden) for send in rows],
        before=rows[0].pk if rows and has_earlier else None,
        after=rows[-1].pk if rows and has_later else None,
    )


def reasons_of(figures: Figures) -> list[str]:
    """The reasons that messages of the wave have."""
    return sorted(
        {
            reason
            for channel in figures.channels.values()
            for _, reason in channel.by_reason
            if reason
        }
    )


def of_fans(wave: Wave, fans: Iterable[str], *, hidden: bool) -> list[dict[str, Any]]:
    """The messages of these fans, SMS before e-mail."""
    members = Member.objects.filter(wave=wave, global_user_id__in=list(fans))
    sends = Send.objects.filter(member__in=members).select_related("member__market")
    ordered = sends.order_by("member__global_user_id", "-channel")
    return [row_of(send, hidden=hidden) for send in ordered]


def row_of(send: Send, *, hidden: bool) -> dict[str, Any]:
    """A message as the table shows it."""
    to = send.member.phone if send.channel == Channel.SMS else send.member.email
    mask = mask_phone if send.channel == Channel.SMS else mask_email
    return {"send": send, "member": send.member, "to": mask(to) if hidden else to}


def _of_kinds(wave: Wave, wanted: Filters, edge: Send | None, forward: bool) -> list[Send]:
    kinds = [
        {"channel": channel, "state": state, "reason": reason}
        for channel, found in kept.figures(wave.pk).channels.items()
        for state, reason in found.by_reason
        if wanted.channel in ("", channel)
        and wanted.reason in ("", reason)
        and (not wanted.state or state in STATES[wanted.state][1])
    ]
    pages = [_first(Send.objects.filter(wave=wave, **kind), edge, forward) for kind in kinds]
    if not pages:
        return []
    found = sorted(pages[0].union(*pages[1:], all=True), reverse=not forward)[: PAGE + 1]
    rows = Send.objects.filter(pk__in=found).select_related("member__market")
    return list(rows.order_by("pk" if forward else "-pk"))


def _first(rows: QuerySet[Send], edge: Send | None, forward: bool) -> QuerySet[Any]:
    if edge is not None:
        rows = rows.filter(pk__gt=edge.pk) if forward else rows.filter(pk__lt=edge.pk)
    return rows.order_by("pk" if forward else "-pk").values_list("pk", flat=True)[: PAGE + 1]


def _of_market(wave: Wave, wanted: Filters, edge: Send | None, forward: bool) -> list[Send]:
    rows = Send.objects.filter(member__wave=wave, member__market=wanted.market)
    if wanted.channel:
        rows = rows.filter(channel=wanted.channel)
    if wanted.reason:
        rows = rows.filter(reason=wanted.reason)
    if wanted.state:
        rows = rows.filter(state__in=STATES[wanted.state][1])
    if edge is not None:
        rows = rows.filter(_beyond(edge, "gt" if forward else "lt"))
    sign = "" if forward else "-"
    ordered = rows.order_by(f"{sign}member__place", f"{sign}member_id", f"{sign}pk")
    return list(ordered.select_related("member__market")[: PAGE + 1])


def _beyond(edge: Send, towards: str) -> Q:
    """The first condition lets the index begin at the edge; the others settle equal places."""
    place, member = edge.member.place, edge.member_id
    return Q(**{f"member__place__{towards}e": place}) & (
        Q(**{f"member__place__{towards}": place})
        | Q(member__place=place, **{f"member_id__{towards}": member})
        | Q(member=member, **{f"pk__{towards}": edge.pk})
    )
