"""The fixed vocabularies of campaigns and score files, as they stand in the database, in files and
in results.
"""

from __future__ import annotations

from django.db.models import TextChoices


class CampaignStatus(TextChoices):
    """draft → open → closed → archived. [C-2]"""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    ARCHIVED = "archived"


class CodeSource(TextChoices):
    OWN = "own", "our own codes"
    TM = "tm", "TM (stock managed elsewhere)"
    PARTNER = "partner", "partner's code service"


class NotifyChannels(TextChoices):
    """Both channels where there are both contacts, or e-mail only where no SMS could be sent. [N-1]"""

    BOTH = "both"
    SMS_FIRST = "sms_first"


class ScoringType(TextChoices):
    LINEAR = "linear"
    PERCENTILE = "percentile"


class ListKind(TextChoices):
    BLACKLIST = "blacklist"
    WHITELIST = "whitelist"
    DISPOSABLE = "disposable"


class ScoreFileState(TextChoices):
    """UPLOADED → PROCESSING → VALIDATED → STREAMED → SAVED, or FAILED. [S-12]"""

    UPLOADED = "uploaded"
    PROCESSING = "processing"
    VALIDATED = "validated"
    STREAMED = "streamed"
    SAVED = "saved"
    FAILED = "failed"


class Reason(TextChoices):
    """Why a row is rejected, in the order in which the reasons are asked. [S-3]"""

    MALFORMED_ROW = "malformed_row"
    MISSING_USER_ID = "missing_user_id"
    DUPLICATE = "duplicate"
    INVALID_SCORE = "invalid_score"
    BLACKLISTED_EMAIL = "blacklisted_email"
    BLACKLISTED_DOMAIN = "blacklisted_domain"
    DISPOSABLE_DOMAIN = "disposable_domain"
    INTL_PHONE = "intl_phone"
    NO_CONTACT = "no_contact"
    SHARED_CONTACT = "shared_contact"
    BELOW_MINIMUM_SCORE = "below_minimum_score"
    # Only for registrations [C-4]
    UNKNOWN_MARKET = "unknown_market"
    SUPERSEDED = "superseded"


class Tag(TextChoices):
    """What is odd about an accepted row, in the order in which tags are written. [S-4, S-5]"""

    MISSING_EMAIL = "missing_email"
    INVALID_EMAIL = "invalid_email"
    MISSING_PHONE = "missing_phone"
    INVALID_PHONE = "invalid_phone"
    INTL_PHONE = "intl_phone"
    UNCONFIRMED_PHONE = "unconfirmed_phone"
