"""Why a message was not sent, in the words that pages and alerts use. [N-3]

Rows and files keep the short code.
"""

from __future__ import annotations

import re
from typing import Final

OPTED_OUT: Final = "opted_out"  # the provider sends nothing more to this number [N-8]
BAD_NUMBER: Final = "bad_number"
REASONS: Final[dict[str, str]] = {
    "no_contact": "No usable contact",
    "suppressed": "The contact is suppressed",
    "erased": "The fan was erased",
    "cancelled": "The wave was cancelled",
    "no_connection": "No connection to the provider",
    "timed_out": "The provider did not respond in time",
    "connection_cut": "The connection to the provider was lost",
    "backend_failed": "The e-mail backend failed",
    "not_accepted": "The provider did not accept the message",
    "not_taken": "The mail server did not accept the message",
    "look_up_failed": "The provider could not look up the message",
    "recipient_refused": "The mail server refused the recipient",
    "bad_address": "The e-mail address is not valid",
    "bad_number": "The phone number is not valid",
    "opted_out": "The fan opted out of messages at the provider",
    "hard_bounce": "There is no such address or phone number",
    "not_in_log": "The provider's log does not have the message",
    "bad_message": "The e-mail could not be created",
    "not_sent": "The provider accepted the message and did not send it",
    "esp_invalid": "There is no such address",
    "esp_bounced": "The mail server returned the e-mail",
    "esp_timed_out": "The mail server did not take the e-mail in time",
    "esp_blocked": "The mail server blocked the e-mail",
    "esp_spam": "The e-mail was taken for spam",
    "esp_unsubscribed": "The fan unsubscribed at the provider",
    "esp_rejected": "The provider refused to send the e-mail",
    "esp_failed": "The provider could not send the e-mail",
    "esp_other": "The e-mail could not be delivered",
    "token_unreadable": "The provider's answer to our credentials cannot be read",
    "no_look_up": "The provider does not say what it accepted",
    "settled_by_hand": "A person found that it was not sent",
    "key_expired": "It may have been accepted so long ago that a repeat could arrive twice",
    "sender_lost": "The sending process ended unexpectedly",
    "http_429": "The provider's rate limit was reached (HTTP 429)",
}
STATUS: Final = re.compile(r"(http|smtp)_(\d{3})")
REFUSED_TOKEN: Final = re.compile(r"token_(\d{3})")
ERROR_CODE: Final = re.compile(r"(?:infobip|sfmc|twilio)_(\d+)")


def reason_in_words(reason: str) -> str:
    """`http_400` → `Rejected by the provider (HTTP 400)`; what is unknown is made readable."""
    if reason in REASONS:
        return REASONS[reason]
    if status := STATUS.fullmatch(reason):
        protocol, code = status[1].upper(), status[2]
        server = "provider" if protocol == "HTTP" else "mail server"
        failed = "Error at the" if protocol == "HTTP" and code >= "500" else "Rejected by the"
        return f"{failed} {server} ({protocol} {code})"
    if token := REFUSED_TOKEN.fullmatch(reason):
        return f"The provider gave us no access token (HTTP {token[1]})"
    if code := ERROR_CODE.fullmatch(reason):
        return f"Rejected by the provider (error {code[1]})"
    return reason.replace("_", " ").capitalize()
