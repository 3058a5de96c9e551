"""The link by which the reader of an e-mail unsubscribes with one click. [N-8]

It names the message by its key, signed, and nothing of the reader. SECRET_KEY_FALLBACKS keep older
links working after a new SECRET_KEY.
"""

from __future__ import annotations

import uuid
from functools import cache
from typing import Final

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from campaigns.models import Campaign
from waves.choices import Channel, SuppressedBy
from waves.models import Resend, Send
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, suppress

SALT: Final = "waves.suppression.unsubscribe"


def link(key: str) -> str:
    """The address for the e-mail of this key."""
    token = _signer().sign(uuid.UUID(key).hex)
    return f"{settings.SITE_URL.rstrip('/')}{_path()}{token}"


def message_of(token: str) -> Send | Resend | None:
    """The message, or the one sent again, whose link this is; None for another link, and once the
    message is deleted.
    """
    try:
        key = uuid.UUID(_signer().unsign(token))
    except (BadSignature, ValueError):
        return None
    mine = {"key": key, "channel": Channel.EMAIL}
    sent = Send.objects.select_related("member", "wave__campaign").filter(**mine).first()
    return sent or Resend.objects.select_related("wave__campaign").filter(**mine).first()


def unsubscribe(message: Send | Resend, campaign: Campaign | None) -> None:
    """No more e-mails to the reader, of this campaign or (None) of any. Repeats change nothing."""
    to = message.contact if isinstance(message, Resend) else message.member.email
    suppress([Contact(Channel.EMAIL, to)], Ground(SuppressedBy.UNSUBSCRIBED, campaign))


@cache
def _path() -> str:
    """What stands before the token: looked up for each e-mail it was a quarter of making one."""
    return reverse("unsubscribe", args=["-"]).removesuffix("-")


def _signer() -> Signer:
    return Signer(sep=".", salt=SALT)
