"""Tracking events of django-anymail's providers, as Anymail's own webhook views read them. [N-3,
N-8]

An event names its message by the key in the metadata that the client sent along. Genuine is what
carries ANYMAIL_WEBHOOK_SECRET as HTTP's basic authentication, and what passes the provider's own
signature where it has one: several have none, and others sign the time but not the event.
"""

from __future__ import annotations

import logging
from io import BytesIO
from typing import Final
from urllib.parse import urlsplit

from anymail import urls
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from anymail.webhooks.base import AnymailCoreWebhookView
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest

from operations.errors import BadValue
from waves.choices import SendState
from waves.providers import posted
from waves.providers.anymail import bounces
from waves.providers.outcomes import Event, Ignored, Objection, Receipt, Refused
from waves.providers.posted import Posted
from waves.providers.reasons import REASONS

logger = logging.getLogger(__name__)

ANSWER: Final = None
STATES: Final = {
    EventType.QUEUED: SendState.SENT,
    EventType.SENT: SendState.SENT,
    EventType.DELIVERED: SendState.DELIVERED,
    EventType.BOUNCED: SendState.UNDELIVERABLE,
    EventType.REJECTED: SendState.UNDELIVERABLE,
    EventType.FAILED: SendState.UNDELIVERABLE,
    # about a message that the fan has
    EventType.COMPLAINED: SendState.DELIVERED,
    EventType.UNSUBSCRIBED: SendState.DELIVERED,
}
OBJECTIONS: Final = {
    EventType.COMPLAINED: Objection.COMPLAINT,
    EventType.UNSUBSCRIBED: Objection.UNSUBSCRIBED,
}


def is_genuine(request: Posted, *, now: float) -> bool:
    """Whether it carries our secret and passes what the provider signs itself."""
    if not settings.ANYMAIL.get("WEBHOOK_SECRET"):
        return False
    try:
        _view().run_validators(_as_django(request))
    except Exception as error:  # noqa: BLE001 views raise whatever a foreign body makes them raise
        logger.info("not genuine", extra={"provider": "anymail", "error": type(error).__name__})
        return False
    return True


def read(request: Posted) -> list[Event]:
    """The events in the body. Raises BadValue where Anymail cannot read it: it reads a body as a
    whole.
    """
    try:
        events = _view().parse_events(_as_django(request))
    except Exception as error:
        kind = type(error).__name__
        raise BadValue("body", f"it is not what {settings.ANYMAIL_ESP} posts ({kind}).") from error
    return [_event(event) for event in events]


def _event(event: AnymailTrackingEvent) -> Event:
    what, about = str(event.event_type), event.metadata
    reference = about.get("key") if isinstance(about, dict) else None
    state = STATES.get(event.event_type)
    if state is None or reference is None:  # without our key: of another sender on the account
        return Ignored(what)
    try:
        return Receipt(
            posted.our_key("key", reference),
            state,
            posted.their_id("message id", event.message_id),
            _reason(event) if state == SendState.UNDELIVERABLE else "",
            _objection(event),
        )
    except BadValue as refusal:
        return Refused(str(refusal))


def _objection(event: AnymailTrackingEvent) -> Objection | None:
    """That a mail server takes a message for spam is no complaint of the fan's."""
    found = OBJECTIONS.get(event.event_type)
    if found or STATES[event.event_type] != SendState.UNDELIVERABLE:
        return found
    if event.reject_reason == RejectReason.UNSUBSCRIBED:
        return Objection.UNSUBSCRIBED
    is_permanent = bounces.is_permanent(settings.ANYMAIL_ESP, event.esp_event)
    return Objection.HARD_BOUNCE if is_permanent else None


def _reason(event: AnymailTrackingEvent) -> str:
    """Such as `esp_blocked`, or `esp_failed` where the provider names no reason."""
    reason = f"esp_{event.reject_reason or event.event_type}"
    return reason if reason in REASONS else "esp_other"


def _view() -> AnymailCoreWebhookView:
    """The view of the chosen provider's tracking events. Raises StopIteration where it posts none,
    and what the view raises where it lacks settings.
    """
    names = (f"{settings.ANYMAIL_ESP}_tracking_webhook", f"{settings.ANYMAIL_ESP}_webhook")
    found = next(each for each in urls.urlpatterns if each.name in names)
    view: AnymailCoreWebhookView = found.callback.view_class()
    return view


def _as_django(request: Posted) -> WSGIRequest:
    """The request as Anymail's views take it."""
    address = urlsplit(request.address)
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": address.path,
        "QUERY_STRING": address.query,
        "wsgi.url_scheme": address.scheme,
        "wsgi.input": BytesIO(request.body),
        "CONTENT_LENGTH": str(len(request.body)),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "HTTP_HOST": address.netloc,
    }
    for name, value in request.headers.items():
        environ.setdefault(f"HTTP_{name.upper().replace('-', '_')}", value)
    return WSGIRequest(environ)
