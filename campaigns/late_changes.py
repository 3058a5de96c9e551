"""What comes after luck could be known needs a right of its own and a reason, and is listed on the
public page with the number of fans it moved. [S-8]

Whoever changes something asks `permit` under the campaign's lock, and calls `record` in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db.models import Max

from campaigns import named_file
from campaigns.choices import CampaignStatus, LateKind
from campaigns.errors import LateRefused
from campaigns.models import Campaign, LateChange
from campaigns.named_file import luck_known
from campaigns.rights import IN_TIME, LATE
from operations.database.clock import database_time
from operations.instants import in_words, iso


def open_campaigns(of: Iterable[Campaign | None]) -> list[Campaign]:
    """The open ones of these, or all that are open where one is None (a list of all campaigns), in
    the order of their keys.
    """
    named = list(of)
    found = Campaign.objects.filter(status=CampaignStatus.OPEN).order_by("pk")
    keys = [each.pk for each in named if each is not None]
    return list(found if None in named else found.filter(pk__in=keys))


def is_late(campaign: Campaign, at: datetime | None = None) -> bool:
    """Whether what happens to the campaign now, or `at` a time, is late; certain under its lock.
    [S-8]
    """
    return luck_known(campaign).is_late(at or database_time())


def permit(
    campaign: Campaign,
    kind: LateKind,
    what: str,
    *,
    by: User | None,
    reason: str,
    at: datetime | None = None,
) -> User | None:
    """Who does something late, having its right and a reason; None where it is not late, and then
    the right to do it late is not enough. Raises LateRefused. [S-8]

    `what`: the subject of a sentence, such as `This score file`. `at`: the time that is public of
    it, where that is another than now.
    """
    if not is_late(campaign, at):
        require_in_time_right(kind, what, by=by)
        return None
    if by is None or not by.has_perm(LATE[kind]):
        raise LateRefused(f"{refusal(campaign, kind, what)} {_who(by)}")
    if not reason.strip():
        raise LateRefused(
            f"{refusal(campaign, kind, what)} Enter the reason; it is shown on the public page."
        )
    return by


def require_in_time_right(kind: LateKind, what: str, *, by: User | None) -> None:
    """Refuse who may do it only when it is late, and it is not. Raises LateRefused. [S-8]"""
    if by is not None and by.has_perm(LATE[kind]) and not by.has_perm(IN_TIME[kind]):
        raise LateRefused(
            f"{what} is not late. It needs the right “{_name_of(IN_TIME[kind])}”. {_who(by)}"
        )


def may(user: User, campaign: Campaign) -> dict[str, bool]:
    """Whether somebody may do what is of each kind now: whoever has its right in time, or late the
    one that is needed then. For pages; `permit` judges. [S-8]
    """
    needed = LATE if is_late(campaign) else IN_TIME
    return {kind: user.has_perm(right) for kind, right in needed.items()}


def notice(campaign: Campaign, kind: LateKind, what: str) -> str:
    """What something would need now, for the form that asks for it; empty where it is not late."""
    return refusal(campaign, kind, what) if is_late(campaign) else ""


def refusal(campaign: Campaign, kind: LateKind, what: str) -> str:
    """What something late needs, as people read it."""
    since = luck_known(campaign).since
    known = f" since {in_words(since)}" if since else ""
    return (
        f"{what} of campaign {campaign.campaign_id} is late: the luck could be known{known}. It"
        f" needs a reason and the right “{_name_of(LATE[kind])}”."
    )


def _name_of(right: str) -> str:
    app, _, codename = right.partition(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename).name


def _who(by: User | None) -> str:
    return f"User {by.get_username()} does not have it." if by else "A person must take it in."


def record(
    campaign: Campaign,
    kind: LateKind,
    subject: str,
    *,
    by: User,
    reason: str,
    moved: int | None,
    **details: Any,
) -> LateChange:
    """List what was permitted. `moved`: fans; None while that is not known. Call it in the
    transaction of the change, under the campaign's lock.
    """
    last = campaign.late_changes.aggregate(last=Max("number"))["last"] or 0
    return LateChange.objects.create(
        campaign=campaign,
        number=last + 1,
        kind=kind,
        subject=subject,
        reason=reason.strip(),
        details=details,
        moved=moved,
        by=by,
    )


def public_lateness(campaign: Campaign) -> dict[str, Any]:
    """What is public of it: since when luck could be known, the file that was named before, and
    every late change; who did it is not. [S-8]
    """
    named = named_file.named_of(campaign)
    return {
        "first_drawn_at": iso(campaign.first_drawn_at),
        "late_since": iso(luck_known(campaign).since),
        "named_attempt": named.attempt if named else None,
        "late": [
            {
                "number": change.number,
                "at": iso(change.at),
                "kind": change.kind,
                "subject": change.subject,
                "reason": change.reason,
                "moved": change.moved,
            }
            for change in campaign.late_changes.all()
        ],
    }
