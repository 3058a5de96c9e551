"""What is presold: campaigns with their draw, their markets, and the lists that refuse or admit
addresses. [C-1 … C-3, S-4]
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from campaigns.choices import CampaignStatus, CodeSources, ListKind, NotifyChannels, ScoringType
from campaigns.public_source import LONGEST_FORM, LONGEST_NAME, PublicSource
from operations.database.clock import database_time
from operations.entry import languages
from operations.entry.validators import year_is_allowed
from operations.entry.values import BEHIND_ALL, FIRST_MOMENT

PUBLIC_ID = RegexValidator(r"\A[A-Za-z0-9-]{1,40}\Z", "Use 1 to 40 letters, digits and hyphens.")
QUIET_HOURS = RegexValidator(
    r"\A([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d\Z",
    "Write two times of the day, such as 21:00-08:00.",
)
CODE_PREFIX = RegexValidator(
    r"\A[A-Za-z0-9-]{0,10}\Z", "Use at most 10 letters, digits and hyphens."
)


# What the property `public_source` reads and writes.
SOURCE_FIELDS = (
    *("entropy_source", "entropy_form", "entropy_public_at"),
    *("entropy_chain", "entropy_round"),
)


def home_of_the_us() -> list[str]:
    return ["US"]


class Campaign(models.Model):
    """One presale. Its draw (seed, salt, commitments) is locked when it opens and never changes.
    [C-1, S-8]
    """

    campaign_id = models.CharField(max_length=40, unique=True, validators=[PUBLIC_ID])
    name = models.CharField(max_length=200)
    artist = models.CharField(max_length=200, blank=True)
    category_id = models.CharField(max_length=80, blank=True)
    status = models.CharField(max_length=10, choices=CampaignStatus, default=CampaignStatus.DRAFT)
    registration_opens = models.DateTimeField(null=True, blank=True, validators=[year_is_allowed])
    registration_closes = models.DateTimeField(null=True, blank=True, validators=[year_is_allowed])
    time_zone = models.CharField(max_length=60, default="UTC", help_text="Such as America/New_York")
    product_id = models.CharField(max_length=80, blank=True)
    source = models.CharField(max_length=80, blank=True)

    allow_intl_phones = models.BooleanField("allow international phones", default=False)
    home_countries = ArrayField(models.CharField(max_length=2), default=home_of_the_us)
    require_confirmed_phone = models.BooleanField(default=False)
    min_score = models.FloatField(
        default=0.22, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    max_fans_per_contact = models.PositiveIntegerField(default=0, help_text="0 = no limit")
    scoring_type = models.CharField(max_length=10, choices=ScoringType, default=ScoringType.LINEAR)
    code_source = models.CharField(max_length=20, choices=CodeSources, default=CodeSources.OWN)
    code_prefix = models.CharField(max_length=10, blank=True, validators=[CODE_PREFIX])
    code_length = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(6), MaxValueValidator(32)]
    )
    notify_channels = models.CharField(
        max_length=10, choices=NotifyChannels, default=NotifyChannels.BOTH
    )
    default_language = models.CharField(
        max_length=languages.LONGEST,
        default="en",
        db_default="en",
        help_text="Of messages to fans without a template in their own language, such as en or"
        " pt-BR",
    )
    quiet_hours = models.CharField(
        max_length=11,
        blank=True,
        default="",
        db_default="",
        validators=[QUIET_HOURS],
        help_text="When fans should get no messages, by the clocks of the campaign's time zone,"
        " such as 21:00-08:00",
    )
    soft_start = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Fans of a wave who are notified first. The others wait until the first messages"
        " are delivered. 0 = no soft start",
    )

    # The draw [S-8]. The seed is secret until the campaign closes, the salt for ever; the
    # commitments and the source's name are public.
    seed = models.BinaryField(null=True, blank=True, editable=False)
    salt = models.BinaryField(null=True, blank=True, editable=False)
    commitment = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Hex SHA-256 of the seed"
    )
    salt_commitment = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Hex SHA-256 of the salt"
    )
    draw_scheme = models.PositiveSmallIntegerField(
        default=2, editable=False, help_text="The rules it is drawn and proved by"
    )
    draw_supplied = models.BooleanField(
        default=False, editable=False, help_text="Seed and salt were supplied, for a rehearsal"
    )
    entropy_source = models.CharField(
        max_length=LONGEST_NAME,
        blank=True,
        help_text="A future public value, such as drand round 9551234. Without one, anyone who can"
        " read the database can know the luck of every fan before the draw.",
    )
    entropy_form = models.CharField(
        max_length=LONGEST_FORM,
        blank=True,
        help_text="How its value is written, so that it can be entered in one way only. Leave this"
        " empty for a drand round.",
    )
    entropy_public_at = models.DateTimeField(
        null=True,
        blank=True,
        validators=[year_is_allowed],
        help_text="When its value becomes public. Leave this empty for a drand round",
    )
    entropy_chain = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Hash of the drand chain"
    )
    entropy_round = models.PositiveBigIntegerField(null=True, editable=False)
    entropy_value = models.TextField(blank=True, editable=False)
    entropy_entered_at = models.DateTimeField(null=True, editable=False)
    first_drawn_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the first rows were drawn"
    )
    opened_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    active_score_file = models.ForeignKey(
        "ScoreFile",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    named_score_file = models.ForeignKey(
        "ScoreFile",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        help_text="The file that will be active, named before luck could be known",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("process_scores", "Can upload and process score files"),
            ("activate_scores", "Can choose the active score file"),
            ("import_registrations", "Can import registrations"),
            ("late_scores", "Can take in score files after luck could be known"),
            ("late_activation", "Can switch the active score file after luck could be known"),
            ("late_lists", "Can change lists after luck could be known"),
            ("late_registrations", "Can take in registrations after luck could be known"),
            ("enter_entropy", "Can enter the public random value"),
            ("move_entropy_source", "Can move the public source of an open campaign once"),
            ("view_personal_data", "Can see e-mail addresses, phone numbers and codes"),
            ("export_personal_data", "Can download files that hold personal data"),
            ("archive_campaign", "Can archive closed campaigns"),
        ]
        constraints = [
            models.CheckConstraint(
                name="campaign_archived_has_its_time",
                condition=Q(status=CampaignStatus.ARCHIVED, archived_at__isnull=False)
                | ~Q(status=CampaignStatus.ARCHIVED) & Q(archived_at=None),
            ),
            models.CheckConstraint(
                name="campaign_open_has_its_draw",
                condition=Q(status=CampaignStatus.DRAFT)
                | (
                    Q(seed__isnull=False)
                    & Q(salt__isnull=False)
                    & ~Q(commitment="")
                    & (Q(draw_scheme=1) | ~Q(salt_commitment=""))
                ),
            ),
            models.CheckConstraint(
                name="campaign_round_is_of_a_chain",
                condition=Q(entropy_chain="", entropy_round=None)
                | (~Q(entropy_chain="") & ~Q(entropy_source="") & Q(entropy_round__gte=1)),
            ),
            models.CheckConstraint(
                name="campaign_source_was_to_come",
                condition=Q(status=CampaignStatus.DRAFT)
                | Q(entropy_source="", entropy_public_at=None)
                | Q(draw_supplied=True, entropy_public_at=None)
                | Q(draw_scheme=1)
                | (
                    ~Q(entropy_source="")
                    & ~Q(entropy_public_at=None)
                    & Q(entropy_public_at__gt=F("opened_at"))
                ),
            ),
            models.CheckConstraint(
                name="campaign_value_has_its_time",
                condition=Q(entropy_value="", entropy_entered_at=None)
                | (~Q(entropy_value="") & ~Q(entropy_source="") & ~Q(entropy_entered_at=None)),
            ),
            models.CheckConstraint(
                name="campaign_value_was_public",
                condition=Q(entropy_entered_at__gte=F("entropy_public_at")),
            ),
            models.CheckConstraint(
                name="campaign_min_score", condition=Q(min_score__gte=0, min_score__lte=1)
            ),
            models.CheckConstraint(
                name="campaign_window",
                condition=Q(registration_closes__gt=F("registration_opens")),
                violation_error_message="Registration must close after it opens.",
            ),
            models.CheckConstraint(
                name="campaign_years",
                condition=Q(
                    registration_opens__gte=FIRST_MOMENT,
                    registration_opens__lt=BEHIND_ALL,
                    registration_closes__gte=FIRST_MOMENT,
                    registration_closes__lt=BEHIND_ALL,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.campaign_id})"

    @property
    def draw_ready(self) -> bool:
        """Whether band scores can be computed: nothing is awaited from a public source. [S-8]"""
        return bool(self.seed) and (not self.entropy_source or bool(self.entropy_value))

    @property
    def public_source(self) -> PublicSource:
        """Its public source as it was locked; with an empty name where there is none. [S-8]"""
        return PublicSource(
            self.entropy_source,
            self.entropy_chain,
            self.entropy_round,
            self.entropy_form,
            self.entropy_public_at,
        )

    @public_source.setter
    def public_source(self, source: PublicSource) -> None:
        self.entropy_source, self.entropy_form = source.name, source.form
        self.entropy_chain, self.entropy_round = source.chain, source.round
        self.entropy_public_at = source.public_at


class Market(models.Model):
    """A group of seats of one campaign. [C-3]"""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="markets", db_index=False
    )
    market_id = models.CharField(max_length=40, validators=[PUBLIC_ID])
    name = models.CharField(max_length=200)
    capacity = models.PositiveIntegerField(default=0)
    selection_time = models.DateTimeField(
        validators=[year_is_allowed],
        help_text="Fans who registered later are not selected for this market",
    )
    position = models.PositiveIntegerField(default=0)
    event_ids = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    time_zone = models.CharField(
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text="Where its fans are, for the campaign's quiet hours. Empty: the campaign's",
    )

    class Meta:
        ordering = ["position", "market_id"]
        constraints = [
            models.UniqueConstraint(
                name="market_once",
                fields=["campaign", "market_id"],
                violation_error_message="The campaign has a market with this market id. Enter a"
                " different one.",
            ),
            models.CheckConstraint(
                name="market_years",
                condition=Q(selection_time__gte=FIRST_MOMENT, selection_time__lt=BEHIND_ALL),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.market_id})"


class RuleChange(models.Model):
    """An option of an open campaign was changed. One that judges rows or selects fans is shown on
    the public page. [S-16]
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="rule_changes")
    market_id = models.CharField(max_length=40, blank=True)
    option = models.CharField(max_length=60)
    judges = models.BooleanField(default=True, help_text="Judges rows or selects fans")
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(default=database_time, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="rulechange_says_why", condition=Q(judges=False) | ~Q(reason="")
            )
        ]

    def __str__(self) -> str:
        return f"{self.option}: {self.before} → {self.after}"


class ListEntry(models.Model):
    """A line of a blacklist, whitelist or list of disposable domains; for all campaigns, or for
    one. [S-4]
    """

    campaign = models.ForeignKey(
        Campaign,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="list_entries",
        db_index=False,
    )
    kind = models.CharField(max_length=10, choices=ListKind)
    pattern = models.CharField(
        max_length=254, help_text="An address, @domain, @pattern* or (whitelist) a pattern"
    )
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "list entries"
        constraints = [
            models.UniqueConstraint(
                name="listentry_once",
                fields=["campaign", "kind", "pattern"],
                nulls_distinct=False,
                violation_error_message="This pattern is on the list already. Enter a different"
                " one.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} entry {self.pk}"
