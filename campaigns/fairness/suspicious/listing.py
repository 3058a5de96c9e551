"""A suspicious group goes on its campaign's blacklist. [X-13, S-4]

A list holds addresses and domains. So a rare domain goes on it as `@domain`, and of any other group
the addresses of its fans do. Phones cannot be on a list, nor fans without an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from campaigns import late_changes, list_changes
from campaigns.choices import READ_ONLY, LateKind, ListKind, SuspiciousKind
from campaigns.errors import NothingToList, WrongStatus
from campaigns.fairness.suspicious.members import MEMBERS
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, ListEntry, ScoreFile, SuspiciousGroup
from operations.database.statements import rows

# A line of a list that begins with # would be a comment.
HAS_ENTRY = "s.email <> '' AND s.email NOT LIKE '#%%'"
ADDRESSES = f"SELECT DISTINCT s.email {MEMBERS} WHERE g.id = %(group)s AND {HAS_ENTRY}"
LISTED = f"""
SELECT g.id, count(DISTINCT s.email), count(DISTINCT e.pattern) {MEMBERS}
LEFT JOIN campaigns_listentry e ON e.pattern = s.email AND e.kind = 'blacklist'
    AND (e.campaign_id IS NULL OR e.campaign_id = %(campaign)s)
WHERE g.score_file_id = %(file)s AND {HAS_ENTRY} GROUP BY 1
"""


def on_lists(score_file: ScoreFile) -> Mapping[int, tuple[int, int]]:
    """A group's key → the entries that put it on a list, and how many of these are on the
    blacklist of the campaign or of all campaigns now. Groups without any are left out.
    """
    values = {"file": score_file.pk, "campaign": score_file.campaign_id}
    found = {group: (entries, listed) for group, entries, listed in rows(LISTED, **values)}
    domains = {
        group.pk: _domain_entry(group)
        for group in score_file.suspicious_groups.filter(kind=SuspiciousKind.RARE_DOMAIN)
    }
    listed_domains = _listed(score_file.campaign_id, domains.values())
    return found | {group: (1, int(entry in listed_domains)) for group, entry in domains.items()}


def late_notice(campaign: Campaign) -> str:
    """What putting a group on the blacklist would need now; empty where it is not late. [S-8]"""
    return late_changes.notice(campaign, LateKind.LISTS, list_changes.THIS_CHANGE)


def put_on_blacklist(group: SuspiciousGroup, *, by: User, reason: str = "") -> int:
    """Put the group on its campaign's blacklist; how many entries were added. Files that are
    processed and waves that are prepared later go by them. Raises WrongStatus, LateRefused,
    NothingToList.
    """
    with transaction.atomic():
        campaign = lock_campaign(group.score_file.campaign_id)
        if campaign.status in READ_ONLY:
            raise WrongStatus(
                f"Campaign {campaign.campaign_id} is {campaign.status}. Its lists can no longer be"
                " changed."
            )
        entries = entries_of(group)
        new = sorted(entries - _listed(campaign.pk, entries))
        if not new:
            raise NothingToList(
                f"Group {group.number} is on the blacklist already."
                if entries
                else f"No fan of group {group.number} has an e-mail address, and a list cannot hold"
                " phone numbers."
            )
        note = f"Suspicious group {group.number} of score file {group.score_file_id}"
        with list_changes.late_lists([campaign], by=by, reason=reason):
            ListEntry.objects.bulk_create(
                ListEntry(campaign=campaign, kind=ListKind.BLACKLIST, pattern=pattern, note=note)
                for pattern in new
            )
        list_changes.record(campaign, ListKind.BLACKLIST, list_changes.ADDED, len(new), by=by)
    return len(new)


def entries_of(group: SuspiciousGroup) -> set[str]:
    """The lines of a list that name its fans."""
    if group.kind == SuspiciousKind.RARE_DOMAIN:
        return {_domain_entry(group)}
    return {address for (address,) in rows(ADDRESSES, group=group.pk)}


def _domain_entry(group: SuspiciousGroup) -> str:
    return f"@{group.about['domain']}"


def _listed(campaign_pk: int, entries: Iterable[str]) -> set[str]:
    of_all_and_ours = Q(campaign=None) | Q(campaign=campaign_pk)
    listed = ListEntry.objects.filter(
        of_all_and_ours, kind=ListKind.BLACKLIST, pattern__in=list(entries)
    )
    return set(listed.values_list("pattern", flat=True))
