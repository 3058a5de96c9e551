"""Which events say that there is no such address: written down for each provider, because Anymail
has one word for a full mailbox and for a missing one. [N-8]

Of what is not listed here, a later e-mail may arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# By the name of the provider: where its own event says what kind of failure it is, and what it
# says there of an address that does not exist.
PERMANENT: Final[Mapping[str, tuple[tuple[str, ...], frozenset[str]]]] = {
    "amazon_ses": (("bounce", "bounceType"), frozenset({"Permanent"})),
    "brevo": (("event",), frozenset({"hard_bounce", "invalid_email"})),
    "mailersend": (("data", "type"), frozenset({"hard_bounced"})),
    "mailgun": (("event-data", "reason"), frozenset({"bounce", "suppress-bounce"})),
    "mailjet": (
        ("error",),
        frozenset({"user unknown", "mailbox inactive", "invalid domain", "no mail host"}),
    ),
    "mailtrap": (("event",), frozenset({"bounce"})),
    "mandrill": (("event",), frozenset({"hard_bounce"})),
    "postmark": (("Type",), frozenset({"HardBounce", "BadEmailAddress"})),
    # 10 is an invalid recipient, 30 a bounce for want of one
    "sparkpost": (("msys", "message_event", "bounce_class"), frozenset({"10", "30"})),
    "unisender_go": (
        ("delivery_info", "delivery_status"),
        frozenset({"err_user_unknown", "err_user_inactive", "err_domain_inactive"}),
    ),
}


def is_permanent(esp: str, event: Any) -> bool:
    """Whether the provider's own event, of a message that did not arrive, says so."""
    if esp not in PERMANENT:
        return False
    path, kinds = PERMANENT[esp]
    for key in path:
        event = event.get(key) if isinstance(event, dict) else None
    return isinstance(event, str) and event in kinds
