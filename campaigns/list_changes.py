"""What was added to a campaign's lists, changed and deleted since it opened, and by whom; not what
the entries say, which may be an address. [S-4, S-16]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import polars as pl
from django.contrib.auth.models import User
from django.db.models import Q

from campaigns.choices import CampaignStatus, LateKind, ListKind
from campaigns.contacts.email_lists import EmailRules
from campaigns.contacts.emails import reasons_by
from campaigns.late_changes import is_late, open_campaigns, permit, require_in_time_right
from campaigns.late_changes import record as record_late
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, KeptList, ListEntry
from campaigns.opening import subject_of
from operations import jobs
from operations.database.copying import frames_of
from operations.models import StatusChange
from operations.plurals import plural

THIS_CHANGE = "This change of a list"
# the address that a wave would judge a fan of the active file by
EMAILS = """
SELECT coalesce(nullif(fan.email, ''), score.email) AS email FROM campaigns_fanscore AS score
LEFT JOIN campaigns_registrant AS fan ON fan.campaign_id = %(campaign)s
    AND fan.global_user_id = score.global_user_id COLLATE "default"
WHERE score.score_file_id = %(score_file)s"""
Patterns = Mapping[str, frozenset[str]]
ADDED, CHANGED, DELETED = "added", "changed", "deleted"


def record(
    campaign: Campaign | None, kind: str, what: str, entries: int = 1, *, by: User | None
) -> None:
    """Write down that entries were added, changed or deleted. Lists of all campaigns and of drafts
    are nobody's history. Call it in the transaction of the change.
    """
    if campaign is None or campaign.status == CampaignStatus.DRAFT or not entries:
        return
    number = plural(entries, "entry", "entries")
    jobs.record_move(subject_of(campaign), kind, what, by=by, reason=number)


def sentence_of(change: StatusChange) -> str | None:
    """`Blacklist: 3 entries added`; None for what is no change of a list."""
    if change.from_state not in ListKind.values:
        return None
    return f"{ListKind(change.from_state).label}: {change.reason} {change.to_state}"


@contextmanager
def late_lists(of: Iterable[Campaign | None], *, by: User | None, reason: str) -> Iterator[None]:
    """What is changed inside, in the caller's transaction, of the lists of these campaigns (None:
    of all) needs a right and a reason for each of them whose luck could be known, and is listed
    with the fans of the active score file that it turned in or out. Raises LateRefused. [S-8]
    """
    locked = _locked(of)
    late = [campaign for campaign in locked if is_late(campaign)]
    if len(late) < len(locked):
        require_in_time_right(LateKind.LISTS, THIS_CHANGE, by=by)
    before = [_patterns(campaign) for campaign in late]
    yield
    for campaign, were in zip(late, before, strict=True):
        if (now := _patterns(campaign)) == were:
            continue
        person = permit(campaign, LateKind.LISTS, THIS_CHANGE, by=by, reason=reason)
        if person is not None:
            files = kept_lists(campaign)
            moved = turned_in_or_out(campaign, _rules(were, files), _rules(now, files))
            subject = _difference(were, now)
            record_late(campaign, LateKind.LISTS, subject, by=person, reason=reason, moved=moved)


def _locked(of: Iterable[Campaign | None]) -> list[Campaign]:
    """The open campaigns of these, or all that are open where one is None, locked in the order of
    their keys.
    """
    return [lock_campaign(campaign.pk) for campaign in open_campaigns(of)]


def _patterns(campaign: Campaign) -> Patterns:
    """The entries that hold for the campaign, by list."""
    entries = ListEntry.objects.filter(Q(campaign=None) | Q(campaign=campaign))
    found: dict[str, set[str]] = {kind: set() for kind in ListKind.values}
    for kind, pattern in entries.values_list("kind", "pattern"):
        found[kind].add(pattern)
    return {kind: frozenset(patterns) for kind, patterns in found.items()}


def _difference(were: Patterns, now: Patterns) -> str:
    """`Blacklist: 1 entry added`, of each list that differs."""
    said = []
    for kind in ListKind:
        for what, some in ((ADDED, now[kind] - were[kind]), (DELETED, were[kind] - now[kind])):
            if some:
                said.append(f"{kind.label}: {plural(len(some), 'entry', 'entries')} {what}")
    return "; ".join(said)


def turned_in_or_out(campaign: Campaign, before: EmailRules, after: EmailRules) -> int:
    """Accepted fans of the active file whom the lists judge otherwise."""
    active = campaign.active_score_file_id
    if active is None:
        return 0
    moved, values = 0, {"campaign": campaign.pk, "score_file": active}
    for frame in frames_of(EMAILS, {"email": pl.String}, **values):
        one, other = reasons_by(frame["email"], before, after)
        moved += int((one.is_null() != other.is_null()).sum())
    return moved


def kept_lists(campaign: Campaign) -> dict[str, bytes]:
    """The list files of the bucket as they are for the campaign since luck could be known. [S-8]"""
    rows = KeptList.objects.filter(campaign=campaign).values_list("kind", "content")
    return {kind: bytes(content) for kind, content in rows}


def lines_of(content: bytes) -> list[str]:
    """The lines of a list file. Raises UnicodeDecodeError."""
    return content.decode("utf-8-sig").splitlines()


def _rules(patterns: Patterns, files: Mapping[str, bytes]) -> EmailRules:
    lines = {kind: [*lines_of(files.get(kind, b"")), *patterns[kind]] for kind in ListKind.values}
    return EmailRules.compile(**lines)
