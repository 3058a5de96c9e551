"""The public source as a campaign's file names it: a draft takes it, an open campaign keeps its
own, or moves it. [S-8, C-1]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User

from campaigns import rights
from campaigns.entropy.moves import move_source
from campaigns.errors import DrawIsLocked
from campaigns.models import Campaign
from campaigns.public_source import PublicSource, source_named


def source_in(given: Mapping[str, Any], campaign: Campaign) -> PublicSource | None:
    """The public source as the file has it; what the file leaves out is as it was, unless the file
    names another source. Raises BadPublicSource.
    """
    name = given.get("entropy_source", campaign.entropy_source)
    as_it_was = campaign.public_source if name == campaign.entropy_source else PublicSource(name)
    return source_named(
        name,
        form=given.get("entropy_form", as_it_was.form),
        public_at=given.get("entropy_public_at", as_it_was.public_at),
    )


def keep_or_move(
    campaign: Campaign, source: PublicSource | None, *, by: User | None, reason: str
) -> Campaign:
    """Move the public source of an open campaign where the file names another one and a reason is
    given. Raises DrawIsLocked and what `move_source` raises. [S-8]
    """
    locked = campaign.public_source
    if locked.public_at is None and source is not None:  # it had none, or it was over
        source = replace(source, public_at=None)
    if (source or PublicSource("")) == locked:
        return campaign
    if source is None or by is None or not reason.strip():
        raise DrawIsLocked(
            f"Campaign {campaign.campaign_id} is open. Its entropy_source can be moved once, before"
            " its value is public, by a person (--by) who gives a reason (--reason)."
        )
    if not by.has_perms(rights.MOVE_SOURCE):
        raise DrawIsLocked(
            f"User {by.get_username()} does not have permission to move the public source of a"
            f" campaign. It needs the right {' and '.join(rights.MOVE_SOURCE)}."
        )
    return move_source(campaign.pk, source, by=by, reason=reason)
