"""Which fans a term means: by indexed columns only. [X-1, O-7]"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Upper

from campaigns.models import Campaign, Registrant, RejectedRegistration, RejectedRow
from console.fans import facts
from console.fans.facts import MOST_ROWS, FanFacts
from console.fans.terms import Term
from waves.models import Assignment, Code, Member

MOST_FANS = 10


@dataclass
class Found:
    """The fans that a term means, at most MOST_FANS; and rejected lines with the term that name no
    fan, each with its campaign.
    """

    fans: list[FanFacts] = field(default_factory=list)
    nameless: list[tuple[Campaign, RejectedRegistration | RejectedRow]] = field(
        default_factory=list
    )
    is_cut: bool = False


def find(term: Term, campaign: Campaign | None) -> Found:
    """All that the term means: in one campaign, or in all of them (then score files are searched
    only where a registration, a wave or a code names the campaign).
    """
    within = [campaign] if campaign else list(Campaign.objects.order_by("-id"))
    by_key = {one.pk: one for one in within}
    rejections = _rejections(term, by_key, campaign)
    named = [(key, row.global_user_id) for key, row in rejections if row.global_user_id]
    pairs = dict.fromkeys([*_known_pairs(term, list(by_key)), *named])
    if campaign and facts.has_score(campaign, term.exact):
        pairs |= {(campaign.pk, term.exact): None}
    if campaign and not rejections and not pairs and term.may_be_id:
        pairs = {(campaign.pk, term.exact): None}
    nameless = [(by_key[key], row) for key, row in rejections if not row.global_user_id]
    found = Found(nameless=nameless, is_cut=len(pairs) > MOST_FANS or len(rejections) >= MOST_ROWS)
    shown = list(pairs)[:MOST_FANS]
    campaigns = {key: facts.of_campaign(by_key[key]) for key in {key for key, _ in shown}}
    found.fans += [facts.of_fan(campaigns[key], fan) for key, fan in shown]
    return found


def registered(term: Term, campaign: Campaign) -> list[str]:
    """The ids of the fans whom the term means among the registrants, members and code holders of a
    campaign, at most MOST_FANS.
    """
    return list(dict.fromkeys(fan for _, fan in _known_pairs(term, [campaign.pk])))[:MOST_FANS]


def holder_of(code: str) -> tuple[Campaign, str] | None:
    """The fan whom this code is for, whatever its case; the index is on upper(code). [K-1]"""
    row = (
        Code.objects.annotate(upper=Upper("code"))
        .filter(upper=code.strip().upper())
        .select_related("campaign")
        .first()
    )
    return (row.campaign, row.global_user_id) if row else None


def of_holder(campaign: Campaign, fan: str) -> Found:
    """What is known of one fan who is named by id."""
    return Found(fans=[facts.of_fan(facts.of_campaign(campaign), fan)])


def home_countries() -> set[str]:
    """Of all campaigns: where a number without a calling code may be."""
    lists = Campaign.objects.values_list("home_countries", flat=True).distinct()
    return {country for countries in lists for country in countries}


def _known_pairs(term: Term, campaigns: list[int]) -> Iterable[tuple[int, str]]:
    """(campaign's key, fan id) of registrations and, by id, of waves and codes."""
    asked = [Q(global_user_id=term.exact), Q(member_id=term.exact)]
    asked += [Q(email=term.email)] if term.email else []
    asked += [Q(phone__in=term.phones)] if term.phones else []
    for one in asked:
        yield from _pairs(Registrant.objects.filter(one, campaign__in=campaigns))
    yield from _pairs(live_members(term, campaigns))
    yield from _pairs(Assignment.objects.filter(campaign__in=campaigns, global_user_id=term.exact))


def live_members(term: Term, campaigns: list[int]) -> QuerySet[Member]:
    """The members of live waves with this id. Not who was reassigned the code that they hold: they
    are not in the index of live members, and the assignment of their code names them. [W-6]
    """
    return Member.objects.filter(
        campaign__in=campaigns, global_user_id=term.exact, wave_live=True, reassigned=None
    )


def _pairs(rows: QuerySet[Any]) -> list[tuple[int, str]]:
    return list(rows.values_list("campaign_id", "global_user_id")[: MOST_FANS + 1])


def _rejections(
    term: Term, campaigns: Iterable[int], campaign: Campaign | None
) -> list[tuple[int, Any]]:
    """Rejected lines that hold the term, the newest first, with their campaign's key."""
    found: list[tuple[int, Any]] = [
        (row.registration_import.campaign_id, row)
        for row in facts.rejected_registrations(term, campaigns)[:MOST_ROWS]
    ]
    if campaign:
        found += [(campaign.pk, row) for row in facts.rejected_rows(term, campaign)[:MOST_ROWS]]
    return found
