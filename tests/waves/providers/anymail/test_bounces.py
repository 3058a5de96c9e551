"""A bounce suppresses where the provider itself says that there is no such address. [N-8]"""

from __future__ import annotations

from typing import Any

import pytest

from waves.providers.anymail.bounces import PERMANENT, is_permanent


def said(esp: str, kind: str) -> dict[str, Any]:
    """An event that says this where the provider says what kind of failure it is."""
    event: Any = kind
    for key in reversed(PERMANENT[esp][0]):
        event = {key: event}
    return event


@pytest.mark.parametrize(
    ("esp", "permanent", "others"),
    [
        ("amazon_ses", ["Permanent"], ["Transient", "Undetermined"]),
        ("brevo", ["hard_bounce", "invalid_email"], ["soft_bounce", "blocked", "error"]),
        ("mailersend", ["hard_bounced"], ["soft_bounced"]),
        ("mailgun", ["bounce", "suppress-bounce"], ["generic", "old", "greylisted"]),
        ("mailjet", ["user unknown", "no mail host"], ["quota exceeded", "spam reporter"]),
        ("mailtrap", ["bounce"], ["soft bounce", "suspension", "reject"]),
        ("mandrill", ["hard_bounce"], ["soft_bounce", "reject"]),
        ("postmark", ["HardBounce", "BadEmailAddress"], ["SoftBounce", "Blocked"]),
        ("sparkpost", ["10", "30"], ["1", "20", "22", "23", "40", "51", "52", "70"]),
        ("unisender_go", ["err_user_unknown"], ["err_mailbox_full", "err_spam_rejected"]),
    ],
)
def test_n8_only_an_address_that_does_not_exist_is_a_hard_bounce(esp, permanent, others):
    assert all(is_permanent(esp, said(esp, kind)) for kind in permanent)
    assert not any(is_permanent(esp, said(esp, kind)) for kind in others)


def test_n8_a_provider_or_an_event_that_nobody_knows_suppresses_nobody():
    assert not is_permanent("pigeon", {"event": "hard_bounce"})
    for odd in (None, [], {}, {"bounce": None}, {"bounce": {"bounceType": ["Permanent"]}}):
        assert not is_permanent("amazon_ses", odd)
