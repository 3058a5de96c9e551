"""The fixed vocabularies of waves, as in the database, in files and in command results."""

from __future__ import annotations

from django.db import models


class WaveState(models.TextChoices):
    """The state of a wave; `waves.lifecycle` lists the allowed moves. [W-2]"""

    CONFIGURED = "configured"
    CODE_GENERATED = "code_generated"
    PREPARED = "prepared"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    HELD = "held"
    TRIGGERED = "triggered"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Queue(models.TextChoices):
    """What becomes of the messages that a completed wave still has to send: its queued e-mails, and
    failed ones that go again. [N-6, N-7]
    """

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class SoftStartState(models.TextChoices):
    """How far a wave's soft start is. [N-9]"""

    FIRST = "first", "The first messages are being sent"
    WAITING = "waiting", "Waits for receipts"
    BY_HAND = "by_hand", "Waits for a person"
    PASSED = "passed", "Over"


class WaveKind(models.TextChoices):
    """How a wave came to its members. [W-3, W-5, X-8]"""

    DRAWN = "drawn", "Selected by the draw"
    UPLOADED = "uploaded", "Uploaded list"
    NOT_SELECTED = "not_selected", "Fans who were not selected"


class RowReason(models.TextChoices):
    """Why a row of an uploaded list is not in its wave, in the order in which the reasons are
    checked. [W-3]

    Each rejected row has the first that applies. The reasons about contacts are those of a score
    file's rows.
    """

    MALFORMED_ROW = "malformed_row", "Unreadable row"
    MISSING_USER_ID = "missing_user_id", "No fan id"
    DUPLICATE = "duplicate", "Duplicate of an earlier row"
    ERASED = "erased", "Fan was erased"
    UNKNOWN_FAN = "unknown_fan", "Not registered"
    UNKNOWN_MARKET = "unknown_market", "Unknown market"
    BLACKLISTED_EMAIL = "blacklisted_email", "Address is on the blacklist"
    BLACKLISTED_DOMAIN = "blacklisted_domain", "Domain is on the blacklist"
    DISPOSABLE_DOMAIN = "disposable_domain", "Disposable e-mail domain"
    INTL_PHONE = "intl_phone", "International phone number"
    NO_CONTACT = "no_contact", "No usable contact"
    SUPPRESSED = "suppressed", "Every contact is suppressed"
    ALREADY_IN_WAVE = "already_in_wave", "Already in a wave"
    HOLDS_CODE = "holds_code", "Already has an access code"
    INVALID_CODE = "invalid_code", "Code cannot be used"
    CODE_OF_ANOTHER_CAMPAIGN = "code_of_another_campaign", "Code of another campaign"
    CODE_OF_ANOTHER_MARKET = "code_of_another_market", "Code of another market"
    CODE_TAKEN = "code_taken", "Code of another fan"
    SHARED_CONTACT = "shared_contact", "Contact shared by too many fans"
    NO_ROOM = "no_room", "No room in the market"
    CODE_FAILED = "code_failed", "No code could be made"


class SendState(models.TextChoices):
    """One message to one fan on one channel. [N-3]"""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"


class ReceiptResult(models.TextChoices):
    """What became of one event that a provider posted. [N-3, N-8]"""

    APPLIED = "applied", "Recorded"
    REPEATED = "repeated", "Repeated"
    LATE = "late", "Contradicts a later one"
    UNKNOWN_MESSAGE = "unknown_message", "For an unknown message"
    NEVER_SENT = "never_sent", "For a message that was never sent"
    TEXT_RECEIVED = "text_received", "Text messages received"
    IGNORED = "ignored", "Not about a delivery"
    REFUSED = "refused", "Unreadable"
    FORGED = "forged", "Not signed by the provider"


class Settling(models.TextChoices):
    """What a person says of messages whose outcome is unknown. [N-4]"""

    SENT = "sent", "They were sent"
    FAILED = "failed", "They were not sent"
    AGAIN = "again", "Send them again"


class RehearsalState(models.TextChoices):
    """The state of a rehearsal. [X-6]"""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class CodeState(models.TextChoices):
    """The life of an access code. RELEASED: one of the code service that it gets, or has, back; it
    may give it again. [K-4, K-5]
    """

    AVAILABLE = "available"
    RESERVED = "reserved"
    ASSIGNED = "assigned"
    PUBLISHED = "published"
    RELEASED = "released"


class CodeCall(models.TextChoices):
    """What the code service is asked for a wave in batches that are kept. [K-4]"""

    RESERVE = "reserve"
    GENERATE = "generate"
    ASSIGN = "assign"


class CodeReason(models.TextChoices):
    """Why a row of a code file was not accepted, in the order in which the reasons are checked.
    [K-1, K-3]
    """

    MALFORMED_ROW = "malformed_row", "Unreadable row"
    EMPTY = "empty", "No code"
    TOO_LONG = "too_long", "Code is longer than 64 characters"
    PLACEHOLDER = "placeholder", "TM is a placeholder and not a code"
    BAD_CHARACTERS = (
        "bad_characters",
        "Spaces, quotes, backslashes or characters that are not ASCII",
    )
    FORMULA = "formula", "Begins like a spreadsheet formula (=, +, - or @)"
    UNKNOWN_MARKET = "unknown_market", "Unknown market"
    DUPLICATE_IN_FILE = "duplicate_in_file", "Duplicate of an earlier row"
    EXISTS_ALREADY = "exists_already", "Code exists already"


class Channel(models.TextChoices):
    """The ways to notify a fan. [N-1]"""

    SMS = "sms", "SMS"
    EMAIL = "email", "e-mail"


class SuppressedBy(models.TextChoices):
    """Why a contact gets no messages any more. [N-8]"""

    STOP = "stop", "Replied with a stop word"
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    COMPLAINT = "complaint", "Reported as spam"
    HARD_BOUNCE = "hard_bounce", "Does not exist"
    OPTED_OUT = "opted_out", "Opted out at the provider"
    HAND = "hand", "Added by hand"
    FILE = "file", "Added from a file"


class ContactProblem(models.TextChoices):
    """Why a row of a file of contacts was not taken. [N-8]"""

    MALFORMED_ROW = "malformed_row", "Unreadable row"
    NO_CONTACT = "no_contact", "No contact"
    BAD_CONTACT = "bad_contact", "Neither an e-mail address nor a phone number"
    NO_COUNTRY = "no_country", "Phone number without its country code"


class Audience(models.TextChoices):
    """Whom a text is for. [N-1, X-8]"""

    SELECTED = "selected", "Selected fans"
    WITHOUT_CODE = "without_code", "Selected fans without a code (TM)"
    NOT_SELECTED = "not_selected", "Fans who were not selected"


class Order(models.TextChoices):
    """How members are chosen where a market is scarce. [W-5]"""

    BY_PREFERENCE = "by_preference", "First preferred market with free seats"
    BY_MARKET_ORDER = "by_market_order", "Market by market"
    SINGLE_MARKET = "single_market", "One market only"


class Exclusion(models.TextChoices):
    """Why a fan of the active score file is not a candidate, in the order in which the reasons are
    checked. [W-5]

    Each fan who is not a candidate is counted once, under the first reason that applies. The
    reasons about contacts are those of a score file's rows, by the lists and options of today.
    """

    NOT_REGISTERED = "not_registered", "Not registered"
    BELOW_MINIMUM_SCORE = "below_minimum_score", "Score below the minimum"
    ALREADY_IN_WAVE = "already_in_wave", "Already in a wave"
    HOLDS_CODE = "holds_code", "Already has an access code"
    ERASED = "erased", "Fan was erased"
    BLACKLISTED_EMAIL = "blacklisted_email", "Address is on the blacklist"
    BLACKLISTED_DOMAIN = "blacklisted_domain", "Domain is on the blacklist"
    DISPOSABLE_DOMAIN = "disposable_domain", "Disposable e-mail domain"
    INTL_PHONE = "intl_phone", "International phone number"
    NO_CONTACT = "no_contact", "No usable contact"
    SUPPRESSED = "suppressed", "Every contact is suppressed"
    NO_MARKET_WANTED = "no_market_wanted", "Wants none of the wave's markets"
    REGISTERED_TOO_LATE = "registered_too_late", "Registered too late"
