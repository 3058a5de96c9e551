"""The vocabularies in words for people, and the tone each state has on a page."""

from __future__ import annotations

from typing import Final

from waves.providers import registry

TONES: Final[dict[str, str]] = {
    "open": "good",
    "draft": "info",
    "closed": "warn",
    "uploaded": "info",
    "processing": "info",
    "validated": "warn",
    "streamed": "good",
    "saved": "good",
    "failed": "bad",
    "queued": "info",
    "running": "info",
    "paused": "warn",
    "done": "good",
    "prepared": "info",
    "approved": "info",
    "scheduled": "info",
    "triggered": "info",
    "held": "bad",
    "completed": "good",
    "sent": "good",
    "delivered": "good",
    "undeliverable": "bad",
    "unknown": "warn",
    "sending": "info",
    "published": "good",
    "assigned": "info",
    "reserved": "info",
    "lost": "bad",
}
WORDS: Final[dict[str, str]] = {
    # Why a row was rejected [S-3]
    "malformed_row": "Unreadable row",
    "missing_user_id": "No fan id",
    "duplicate": "Duplicate of an earlier row",
    "invalid_score": "Score is not a number from 0 to 1",
    "blacklisted_email": "Address is on the blacklist",
    "blacklisted_domain": "Domain is on the blacklist",
    "disposable_domain": "Disposable e-mail domain",
    "intl_phone": "International phone number",
    "no_contact": "No usable contact",
    "shared_contact": "Contact shared by too many fans",
    "below_minimum_score": "Score below the minimum",
    "invalid_date": "Invalid date",
    "unknown_market": "Unknown market",
    "superseded": "Replaced by a newer registration",
    # What is odd about an accepted row [S-4, S-5]
    "missing_email": "No e-mail address",
    "invalid_email": "Invalid e-mail address",
    "missing_phone": "No phone number",
    "invalid_phone": "Invalid phone number",
    "unconfirmed_phone": "Phone not confirmed",
    # Why a change event is not archived [BR-017]
    "not_utf8": "Not UTF-8",
    "not_json": "Not JSON",
    "wrong_envelope": "Not a change event",
    "missing_image": "Missing image",
    "invalid_field": "Missing or invalid field",
    # Bands [S-7]
    "high": "High (0.95 and above)",
    "mid": "Mid (0.80 to 0.95)",
    "low": "Low (below 0.80)",
    # Why a fan of the score file is no candidate [W-5]
    "not_registered": "Not registered",
    "already_in_wave": "Already in a wave",
    "blacklisted": "On the blacklist now",
    "no_usable_contact": "No usable contact",
    "no_market_wanted": "Wants none of the wave's markets",
    "registered_too_late": "Registered too late",
    "opted_out": "Opted out",
    # Providers [N-1, N-5]
    **registry.TITLES,
    # Orders [W-5]
    "by_preference": "First preferred market with free seats",
    "by_market_order": "Market by market",
    "single_market": "One market only",
}
WAVE_STEPS: Final = ("configured", "prepared", "approved", "scheduled", "triggered", "completed")
BESIDE_THE_ROAD: Final = {
    "paused": "triggered",
    "held": "scheduled",
    "code_generated": "configured",
}
FILE_STEPS: Final = ("uploaded", "processing", "validated", "streamed", "saved")


def words(name: str) -> str:
    """The name as a person would say it."""
    return WORDS.get(name, name.replace("_", " ").capitalize())


def steps(order: tuple[str, ...], state: str) -> list[tuple[str, str]]:
    """(step, "done" | "now" | "") up to where `state` stands, or where it left the road; all blank
    for what has no place.
    """
    state = order[0] if state == "failed" else BESIDE_THE_ROAD.get(state, state)
    if state not in order:
        return [(step, "") for step in order]
    at = order.index(state)
    last = len(order) - 1
    return [
        (step, "done" if i < at or at == last else "now" if i == at else "")
        for i, step in enumerate(order)
    ]
