"""The fixed vocabularies of campaigns and score files, as in the database, in files and
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


READ_ONLY = (CampaignStatus.CLOSED, CampaignStatus.ARCHIVED)


class CodeSource(TextChoices):
    """Where codes come from: ours, nowhere (TM), a partner's list or code service. [K-1, K-3,
    K-4]
    """

    OWN = "own", "Own codes"
    TM = "tm", "TM (stock managed elsewhere)"
    PARTNER = "partner", "Partner codes"


class CodeSources(TextChoices):
    """The sources of a market, in the order in which its best fans get their codes: the next one
    only where the one before has no more. TM, which never ends, comes last. [K-4]
    """

    OWN = "own", "Own codes"
    TM = "tm", "TM (stock managed elsewhere)"
    PARTNER = "partner", "Partner codes"
    PARTNER_OWN = "partner|own", "Partner codes, then own codes"
    PARTNER_TM = "partner|tm", "Partner codes, then TM"
    OWN_PARTNER = "own|partner", "Own codes, then partner codes"
    OWN_TM = "own|tm", "Own codes, then TM"
    PARTNER_OWN_TM = "partner|own|tm", "Partner codes, then own codes, then TM"
    OWN_PARTNER_TM = "own|partner|tm", "Own codes, then partner codes, then TM"


class NotifyChannels(TextChoices):
    """Both channels where there are both contacts, or e-mail only where no SMS could be sent.
    [N-1]
    """

    BOTH = "both"
    SMS_FIRST = "sms_first"


class ScoringType(TextChoices):
    LINEAR = "linear"
    PERCENTILE = "percentile"


class ListKind(TextChoices):
    BLACKLIST = "blacklist"
    WHITELIST = "whitelist"
    DISPOSABLE = "disposable"


class LateKind(TextChoices):
    """What came after luck could be known. [S-8]"""

    SCORE_FILE = "score_file", "Score file"
    ACTIVATION = "activation", "Active score file"
    LISTS = "lists", "Lists"
    REGISTRATIONS = "registrations", "Registrations"
    WAVE_RULES = "wave_rules", "Rules of one wave"


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

    MALFORMED_ROW = "malformed_row", "Unreadable row"
    MISSING_USER_ID = "missing_user_id", "No fan id"
    DUPLICATE = "duplicate", "Duplicate of an earlier row"
    ERASED = "erased", "Fan was erased"
    INVALID_SCORE = "invalid_score", "Score is not a number from 0 to 1"
    BLACKLISTED_EMAIL = "blacklisted_email", "Address is on the blacklist"
    BLACKLISTED_DOMAIN = "blacklisted_domain", "Domain is on the blacklist"
    DISPOSABLE_DOMAIN = "disposable_domain", "Disposable e-mail domain"
    INTL_PHONE = "intl_phone", "International phone number"
    NO_CONTACT = "no_contact", "No usable contact"
    SHARED_CONTACT = "shared_contact", "Contact shared by too many fans"
    BELOW_MINIMUM_SCORE = "below_minimum_score", "Score below the minimum"
    # Only for registrations [C-4]
    OUTSIDE_WINDOW = "outside_window", "Outside the registration window"
    UNKNOWN_MARKET = "unknown_market", "Unknown market"
    SUPERSEDED = "superseded", "Replaced by a newer registration"


class Tag(TextChoices):
    """What is odd about an accepted row, in the order in which tags are written. [S-4, S-5]"""

    MISSING_EMAIL = "missing_email", "No e-mail address"
    INVALID_EMAIL = "invalid_email", "Invalid e-mail address"
    MISSING_PHONE = "missing_phone", "No phone number"
    INVALID_PHONE = "invalid_phone", "Invalid phone number"
    NOT_MOBILE = "not_mobile", "Phone cannot receive SMS"
    INTL_PHONE = "intl_phone", "International phone number"
    UNCONFIRMED_PHONE = "unconfirmed_phone", "Phone not confirmed"
    # Only for registrations [C-4]
    INVALID_LANGUAGE = "invalid_language", "Invalid language"


class SuspiciousKind(TextChoices):
    """What fans have in common that looks made by a machine, in the order of the report. [X-13]"""

    RUNNING_DIGITS = "running_digits", "One name with running digits"
    PHONE_RUN = "phone_run", "Consecutive phone numbers"
    RARE_DOMAIN = "rare_domain", "Rare domain with many fans"
    SPELLINGS = "spellings", "One contact in many spellings"
    BURST = "burst", "Registrations in a burst"
