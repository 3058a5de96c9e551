"""The list files of the scoring bucket hold for all campaigns. Once a campaign's luck could be
known it keeps those that it has; a later version counts for it only once a person takes it in.
[S-4, S-8]
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from campaigns.choices import LateKind, ListKind
from campaigns.errors import CannotTakeIn
from campaigns.late_changes import is_late, open_campaigns, permit, record
from campaigns.list_changes import turned_in_or_out
from campaigns.locks import lock_campaign
from campaigns.models import Campaign, KeptList
from campaigns.opening import require_open
from campaigns.scoring import rules
from operations import alerts


def keep(campaign: Campaign, files: Mapping[str, bytes]) -> None:
    """Keep the list files by which something of the campaign is judged, where luck cannot be known
    yet or none is kept. Call it under the campaign's lock.
    """
    late = is_late(campaign)
    for kind, content in files.items():
        values = {"content": content, "sha256": _sha256(content), "waiting_sha256": ""}
        if late:
            KeptList.objects.get_or_create(campaign=campaign, kind=kind, defaults=values)
        else:
            KeptList.objects.update_or_create(campaign=campaign, kind=kind, defaults=values)


def notice(key: str) -> None:
    """A version of a list file arrived. Campaigns whose luck could be known go on with theirs,
    which alerts; the other open ones keep it.
    """
    content = rules.content_of(key)
    (kind,) = (kind for kind, of in rules.SHARED_KEYS.items() if of == key)
    for each in open_campaigns([None]):
        with transaction.atomic():
            campaign = lock_campaign(each.pk)
            if is_late(campaign):
                _let_wait(campaign, kind, _sha256(content))
            else:
                keep(campaign, {kind: content})


def _let_wait(campaign: Campaign, kind: str, sha256: str) -> None:
    kept = KeptList.objects.filter(campaign=campaign, kind=kind)
    kept.filter(sha256=sha256).update(waiting_sha256="")
    if kept.exclude(sha256=sha256).exclude(waiting_sha256=sha256).update(waiting_sha256=sha256):
        alerts.alert(
            f":warning: The {kind} in the scoring bucket changed after the luck of campaign"
            f" {campaign.campaign_id} could be known. The campaign keeps the version from before"
            " until someone takes the new one in, with a reason, on its page:"
            f" {settings.SITE_URL}/admin/campaign/{campaign.campaign_id}/"
        )


def waiting(campaign: Campaign) -> list[str]:
    """The kinds of list whose newest version waits for a person."""
    rows = KeptList.objects.filter(campaign=campaign).exclude(waiting_sha256="")
    return [ListKind(kind).label for kind in rows.order_by("kind").values_list("kind", flat=True)]


def take_in(campaign_pk: int, *, by: User | None, reason: str) -> int:
    """Take in the list files that lie in the bucket now; returns how many fans they moved. Raises
    CannotTakeIn where none differs, LateRefused, WrongStatus, UnreadableList, ListEntryInvalid.
    """
    files = {kind: rules.content_of(key) for kind, key in rules.SHARED_KEYS.items()}
    with transaction.atomic():
        campaign = lock_campaign(campaign_pk)
        require_open(campaign)
        kept = KeptList.objects.filter(campaign=campaign).order_by("kind")
        new = [row for row in kept if row.sha256 != _sha256(files[row.kind])]
        person = permit(campaign, LateKind.LISTS, "The list file", by=by, reason=reason)
        if not new or person is None:
            raise CannotTakeIn(
                f"Campaign {campaign.campaign_id} has no list file that waits for a person."
            )
        return sum(_take(campaign, row, files[row.kind], person, reason) for row in new)


def _take(campaign: Campaign, row: KeptList, content: bytes, by: User, reason: str) -> int:
    before = rules.gather(campaign).email_rules
    row.content, row.sha256, row.waiting_sha256 = content, _sha256(content), ""
    row.save(update_fields=["content", "sha256", "waiting_sha256"])
    moved = turned_in_or_out(campaign, before, rules.gather(campaign).email_rules)
    subject = f"{ListKind(row.kind).label} of the bucket, SHA-256 {row.sha256}"
    record(campaign, LateKind.LISTS, subject, by=by, reason=reason, moved=moved)
    return moved


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
