"""Who gets in: campaigns and their draw, markets, registrants, score files and scores. [C-1 … C-4, S-12, S-13]"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from campaigns.choices import (
    CampaignStatus,
    CodeSource,
    ListKind,
    NotifyChannels,
    Reason,
    ScoreFileState,
    ScoringType,
)

PUBLIC_ID = RegexValidator(r"\A[A-Za-z0-9-]{1,40}\Z", "Use 1 to 40 letters, digits and hyphens.")
CODE_PREFIX = RegexValidator(r"\A[A-Za-z0-9-]{0,10}\Z", "Use at most 10 letters, digits and hyphens.")


def home_of_the_us() -> list[str]:
    return ["US"]


class Campaign(models.Model):
    """One presale. Its draw (seed, salt, commitment) is fixed when it opens and never changes. [C-1, S-8]"""

    campaign_id = models.CharField(max_length=40, unique=True, validators=[PUBLIC_ID])
    name = models.CharField(max_length=200)
    artist = models.CharField(max_length=200, blank=True)
    category_id = models.CharField(max_length=80, blank=True)
    status = models.CharField(max_length=10, choices=CampaignStatus, default=CampaignStatus.DRAFT)
    registration_opens = models.DateTimeField(null=True, blank=True)
    registration_closes = models.DateTimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=60, default="UTC", help_text="IANA name, e.g. America/New_York")
    product_id = models.CharField(max_length=80, blank=True)
    source = models.CharField(max_length=80, blank=True)

    allow_intl_phones = models.BooleanField("allow international phones", default=False)
    home_countries = ArrayField(models.CharField(max_length=2), default=home_of_the_us)
    require_confirmed_phone = models.BooleanField(default=False)
    min_score = models.FloatField(default=0.22, validators=[MinValueValidator(0), MaxValueValidator(1)])
    max_fans_per_contact = models.PositiveIntegerField(default=0, help_text="0 = no limit")
    scoring_type = models.CharField(max_length=10, choices=ScoringType, default=ScoringType.LINEAR)
    code_source = models.CharField(max_length=10, choices=CodeSource, default=CodeSource.OWN)
    code_prefix = models.CharField(max_length=10, blank=True, validators=[CODE_PREFIX])
    code_length = models.PositiveSmallIntegerField(default=10, validators=[MinValueValidator(6), MaxValueValidator(32)])
    notify_channels = models.CharField(max_length=10, choices=NotifyChannels, default=NotifyChannels.BOTH)

    # The draw [S-8]. Seed and salt are secret until the campaign closes; the commitment and the source's name are public.
    seed = models.BinaryField(null=True, blank=True, editable=False)
    salt = models.BinaryField(null=True, blank=True, editable=False)
    commitment = models.CharField(max_length=64, blank=True, editable=False)
    draw_supplied = models.BooleanField(default=False, editable=False, help_text="Seed and salt were given, for a rehearsal")
    entropy_source = models.CharField(max_length=200, blank=True, help_text="A future public value, e.g. drand round 5551234")
    entropy_value = models.TextField(blank=True, editable=False)
    opened_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)

    active_score_file = models.ForeignKey(
        "ScoreFile", null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    frozen = models.BooleanField(
        default=False,
        editable=False,
        help_text="A wave stands between PREPARED and COMPLETED; kept by the waves' trigger",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("process_scores", "Can upload and process score files"),
            ("activate_scores", "Can choose the active score file"),
            ("import_registrations", "Can import registrations"),
            ("enter_entropy", "Can enter the public random value"),
            ("view_personal_data", "Can see e-mail addresses, phone numbers and codes"),
            ("export_personal_data", "Can download files that hold personal data"),
        ]
        constraints = [
            models.CheckConstraint(
                name="campaign_open_has_its_draw",
                condition=Q(status=CampaignStatus.DRAFT) | (Q(seed__isnull=False) & Q(salt__isnull=False) & ~Q(commitment="")),
            ),
            models.CheckConstraint(name="campaign_min_score", condition=Q(min_score__gte=0, min_score__lte=1)),
            models.CheckConstraint(
                name="campaign_window",
                condition=Q(registration_closes__gt=F("registration_opens")),
                violation_error_message="Registration must close after it opens.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.campaign_id})"

    @property
    def draw_ready(self) -> bool:
        """Whether band scores can be computed: nothing is awaited from a public source. [S-8]"""
        return bool(self.seed) and (not self.entropy_source or bool(self.entropy_value))


class Market(models.Model):
    """A group of seats of one campaign. [C-3]"""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="markets")
    market_id = models.CharField(max_length=40, validators=[PUBLIC_ID])
    name = models.CharField(max_length=200)
    capacity = models.PositiveIntegerField(default=0)
    selection_time = models.DateTimeField(help_text="Fans who registered later are not selected here")
    position = models.PositiveIntegerField(default=0)
    event_ids = ArrayField(models.CharField(max_length=80), default=list, blank=True)

    class Meta:
        ordering = ["position", "market_id"]
        constraints = [models.UniqueConstraint(name="market_once", fields=["campaign", "market_id"])]

    def __str__(self) -> str:
        return f"{self.name} ({self.market_id})"


class ListEntry(models.Model):
    """A line of a blacklist, whitelist or list of disposable domains; for all campaigns, or for one. [S-4]"""

    campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.CASCADE, related_name="list_entries")
    kind = models.CharField(max_length=10, choices=ListKind)
    pattern = models.CharField(max_length=254, help_text="An address, @domain, @pattern* or (whitelist) a pattern")
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "list entries"
        constraints = [
            models.UniqueConstraint(name="listentry_once", fields=["campaign", "kind", "pattern"], nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.kind} entry {self.pk}"


class Registrant(models.Model):
    """A fan who registered for a campaign. [C-4]"""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="registrants")
    global_user_id = models.TextField()
    member_id = models.TextField(blank=True)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=20, blank=True, help_text="E.164")
    phone_region = models.CharField(max_length=3, blank=True)
    phone_confirmed = models.BooleanField(default=False)
    country = models.CharField(max_length=2, blank=True)
    preferences = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, help_text="Market ids, best first; none = any"
    )
    registered_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="date.created of the record that won")
    tags = models.CharField(max_length=200, blank=True)
    verdict = models.BooleanField(null=True, blank=True)
    published = models.BooleanField(default=False, help_text="Its registration record is on the stream, or came from it")

    class Meta:
        constraints = [models.UniqueConstraint(name="registrant_once", fields=["campaign", "global_user_id"])]
        indexes = [
            models.Index(fields=["campaign", "id"], name="registrant_unpublished", condition=Q(published=False)),
        ]

    def __str__(self) -> str:
        return f"registrant {self.pk}"


class RegistrationImport(models.Model):
    """One file of registrations and what became of its rows. [C-4]"""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="imports")
    name = models.CharField(max_length=255)
    key = models.CharField(max_length=300, help_text="Object key in the scoring bucket")
    sha256 = models.CharField(max_length=64)
    rows_in = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    rejected_by = models.JSONField(default=dict)
    tagged_by = models.JSONField(default=dict)
    rejected_key = models.CharField(max_length=300, blank=True)
    finished = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="import_ledger", condition=Q(finished=False) | Q(rows_in=F("accepted") + F("rejected"))
            ),
            models.UniqueConstraint(name="import_once", fields=["campaign", "sha256"]),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.campaign_id}"


class ScoreFile(models.Model):
    """One uploaded file of scores: its bytes, the rules it is judged by, its ledger and its place among the attempts. [S-12]"""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="score_files")
    attempt = models.PositiveIntegerField(help_text="Its number among the campaign's attempts, public")
    name = models.CharField(max_length=255)
    timestamp = models.CharField(max_length=40, help_text="The part of the name between campaign id and .txt")
    key = models.CharField(max_length=300, help_text="Object key in the scoring bucket")
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField(default=0)
    supplement_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="supplements")
    state = models.CharField(max_length=12, choices=ScoreFileState, default=ScoreFileState.UPLOADED)
    error = models.TextField(blank=True)
    activate_when_streamed = models.BooleanField(default=True)

    rules = models.JSONField(default=dict, help_text="The snapshot of lists, options and versions it is judged by")
    rules_digest = models.CharField(max_length=64, blank=True)
    roster_digest = models.CharField(max_length=64, blank=True)
    ignored_columns = models.JSONField(default=list)

    rows_in = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    rejected_by = models.JSONField(default=dict)
    tagged_by = models.JSONField(default=dict)
    bands = models.JSONField(default=dict)
    streamed = models.BigIntegerField(default=0)
    stream_position = models.BigIntegerField(null=True, blank=True, help_text="Position of the last batch on the stream")
    scrubbed_key = models.CharField(max_length=300, blank=True)
    rejected_key = models.CharField(max_length=300, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    streamed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="scorefile_attempt", fields=["campaign", "attempt"]),
            models.UniqueConstraint(
                name="scorefile_same_bytes", fields=["campaign", "sha256"], condition=~Q(state=ScoreFileState.FAILED)
            ),
            models.CheckConstraint(
                name="scorefile_ledger",
                condition=Q(state__in=[ScoreFileState.UPLOADED, ScoreFileState.PROCESSING, ScoreFileState.FAILED])
                | Q(rows_in=F("accepted") + F("rejected")),
            ),
            models.CheckConstraint(name="scorefile_failed_says_why", condition=~Q(state=ScoreFileState.FAILED) | ~Q(error="")),
        ]

    def __str__(self) -> str:
        return f"score file {self.pk}: {self.name}"

    @property
    def is_drawn(self) -> bool:
        return self.state in {ScoreFileState.STREAMED, ScoreFileState.SAVED}


class Activation(models.Model):
    """One switch of a campaign's active score file; the newest is undone by switching back to what it replaced. [S-13]"""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="activations")
    score_file = models.ForeignKey(ScoreFile, null=True, on_delete=models.PROTECT, related_name="+")
    replaced = models.ForeignKey(ScoreFile, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    undone = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"activation {self.pk} of campaign {self.campaign_id}"


class FanScore(models.Model):
    """An accepted row of a score file. The table is partitioned by score file: a file's rows are filled bare, indexed and
    attached. Rows are inserted, never updated (a trigger refuses it). [S-13]
    """

    pk = models.CompositePrimaryKey("score_file", "global_user_id")
    score_file = models.ForeignKey(ScoreFile, on_delete=models.CASCADE, db_constraint=False, related_name="scores")
    global_user_id = models.TextField()
    line = models.BigIntegerField()
    row_id = models.TextField(help_text="The file's id column")
    member_id = models.TextField()
    email = models.CharField(max_length=254, help_text="Empty where there is none")
    phone = models.CharField(max_length=20, help_text="E.164, empty where there is none")
    phone_region = models.CharField(max_length=3)
    phone_confirmed = models.BooleanField()
    country = models.TextField()
    raw_text = models.TextField(help_text="The score as written")
    raw_score = models.FloatField()
    band = models.CharField(max_length=4)
    band_score = models.FloatField(null=True)
    luck = models.BigIntegerField(null=True, help_text="The first 64 bits of h, less 2^63: sorts as h does")
    tags = models.TextField(help_text="Joined by |")
    market_id = models.TextField(help_text="The registrant's first preference when the row was judged; may be empty")

    class Meta:
        managed = False
        db_table = "campaigns_fanscore"

    def __str__(self) -> str:
        return f"score of line {self.line} in score file {self.score_file_id}"


class RejectedRow(models.Model):
    """A rejected row of a score file or of an import of registrations, as it came. [S-3, S-11]

    Filled by COPY, hundreds of thousands at a time: a foreign key would be looked up again for each row of one file, and an
    index of its own beside the constraint's would be written for nothing.
    """

    score_file = models.ForeignKey(ScoreFile, models.CASCADE, "rejected_rows", null=True, db_constraint=False, db_index=False)
    registration_import = models.ForeignKey(
        RegistrationImport, models.CASCADE, "rejected_rows", null=True, db_constraint=False, db_index=False
    )
    line = models.BigIntegerField()
    global_user_id = models.TextField(blank=True)
    reason = models.CharField(max_length=24, choices=Reason)
    raw = models.TextField(help_text="The line as it stands in the file; bytes that are not UTF-8 as \\xNN")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="rejectedrow_line", fields=["score_file", "line"]),
            models.UniqueConstraint(
                name="rejectedrow_one_outcome_per_fan",
                fields=["score_file", "global_user_id"],
                condition=~Q(reason__in=[Reason.MALFORMED_ROW, Reason.MISSING_USER_ID, Reason.DUPLICATE]),
            ),
            models.CheckConstraint(
                name="rejectedrow_of_one_file",
                condition=Q(score_file__isnull=False, registration_import__isnull=True)
                | Q(score_file__isnull=True, registration_import__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="rejectedrow_import",
                fields=["registration_import", "line"],
                condition=Q(registration_import__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
