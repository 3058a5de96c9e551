"""Who is told, and how: waves, their members, codes, assignments, sends. The database is the judge
of what may not happen.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from campaigns.choices import CodeSource, NotifyChannels
from campaigns.models import Campaign, Market, ScoreFile
from waves.choices import Channel, CodeState, Order, SendState, WaveState

UNSETTLED = [WaveState.CANCELLED, WaveState.FAILED]  # waves in these states hold no fan [K-6]


class Wave(models.Model):
    """One batch of fans notified at one notify date. [W-1]"""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="waves")
    date_key = models.CharField(max_length=20, help_text="YYYYMMDD or YYYYMMDD-n")
    name = models.CharField(
        max_length=80, unique=True, editable=False, help_text="{campaign_id}_{date_key}"
    )
    notify_date = models.DateTimeField()
    category_id = models.CharField(max_length=80, blank=True)
    product_id = models.CharField(max_length=80, blank=True)
    source = models.CharField(max_length=80, blank=True)
    generate_offer_code = models.BooleanField(default=False)
    options = models.JSONField(default=dict, blank=True)
    order = models.CharField(max_length=20, choices=Order, default=Order.BY_PREFERENCE)
    single_market = models.CharField(max_length=40, blank=True)
    min_score = models.FloatField(null=True, blank=True)

    state = models.CharField(max_length=20, choices=WaveState, default=WaveState.CONFIGURED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    score_file = models.ForeignKey(
        ScoreFile, null=True, blank=True, on_delete=models.PROTECT, related_name="waves"
    )
    members_digest = models.CharField(max_length=64, blank=True)
    agreed_digest = models.CharField(
        max_length=64, blank=True, help_text="Of the members that were previewed and agreed on"
    )
    content_digest = models.CharField(max_length=64, blank=True)
    content = models.JSONField(
        default=dict,
        blank=True,
        help_text=(
            "Templates, channels and provider as prepared: what is sent, and what approval names"
        ),
    )
    notify_channels = models.CharField(
        max_length=10, choices=NotifyChannels, default=NotifyChannels.BOTH
    )
    candidates = models.BigIntegerField(default=0)
    selected = models.BigIntegerField(default=0)
    waitlist = models.BigIntegerField(default=0)
    excluded = models.JSONField(default=dict, blank=True)
    zip_key = models.CharField(max_length=300, blank=True)
    status_key = models.CharField(max_length=300, blank=True)

    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_digest = models.CharField(max_length=64, blank=True)
    waiver = models.TextField(
        blank=True, help_text="Why the second person was waived, while WAVES_FOUR_EYES is off"
    )
    expedited = models.TextField(
        blank=True, help_text="Why it was prepared less than a day before its notify date"
    )
    prepared_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    triggered_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("prepare_wave", "Can preview and prepare waves"),
            ("approve_wave", "Can approve waves"),
            ("schedule_wave", "Can schedule and unschedule waves"),
            ("send_wave", "Can send, pause, resume and cancel waves"),
            ("expedite_wave", "Can prepare a wave less than a day ahead"),
            ("reset_wave", "Can reset a wave after two failed attempts"),
            ("stop_all", "Can stop all sending"),
        ]
        constraints = [
            models.UniqueConstraint(name="wave_once", fields=["campaign", "date_key"]),
            models.CheckConstraint(name="wave_attempts", condition=Q(attempts__lte=2)),
            models.CheckConstraint(
                name="wave_four_eyes",
                condition=Q(approved_by=None)
                | ~Q(waiver="")
                | (
                    ~Q(approved_by=F("prepared_by"))
                    & (Q(edited_by=None) | ~Q(approved_by=F("edited_by")))
                ),
            ),
            models.CheckConstraint(
                name="wave_approval_names_its_content",
                condition=~Q(
                    state__in=[WaveState.APPROVED, WaveState.SCHEDULED, WaveState.TRIGGERED]
                )
                | (
                    Q(approved_digest=F("content_digest"))
                    & ~Q(content_digest="")
                    & Q(approved_by__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="wave_failed_says_why", condition=~Q(state=WaveState.FAILED) | ~Q(error="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["notify_date"], name="wave_due", condition=Q(state=WaveState.SCHEDULED)
            )
        ]

    def __str__(self) -> str:
        return self.name


class WaveMarket(models.Model):
    """What a wave does in one market: seats, selected, cut-off. Written at preparation. [W-5]"""

    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="wave_markets")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    capacity = models.PositiveIntegerField()
    selection_time = models.DateTimeField()
    position = models.PositiveIntegerField(default=0)
    code_source = models.CharField(max_length=10, choices=CodeSource, default=CodeSource.OWN)
    selected = models.PositiveIntegerField(default=0)
    wanted = models.PositiveIntegerField(default=0)
    cutoff = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(name="wavemarket_once", fields=["wave", "market"]),
            models.CheckConstraint(
                name="wavemarket_capacity", condition=Q(selected__lte=F("capacity"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} in wave {self.wave_id}"


class Code(models.Model):
    """An access code, unique over all campaigns whatever its case. TM is no row here. [K-1, K-3,
    K-5]
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="codes")
    code = models.CharField(max_length=64)
    source = models.CharField(max_length=10, choices=CodeSource, default=CodeSource.OWN)
    state = models.CharField(max_length=12, choices=CodeState, default=CodeState.AVAILABLE)
    wave = models.ForeignKey(
        Wave, null=True, blank=True, on_delete=models.PROTECT, related_name="codes"
    )
    global_user_id = models.TextField(blank=True, help_text="The fan it is reserved for")
    market = models.ForeignKey(
        Market, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    begins_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    reserved_at = models.DateTimeField(null=True, blank=True)
    assigned_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Upper("code"), name="code_once_whatever_its_case"),
            models.UniqueConstraint(
                name="code_one_reservation_per_fan_and_wave",
                fields=["wave", "global_user_id"],
                condition=Q(wave__isnull=False),
            ),
            models.CheckConstraint(
                name="code_is_no_placeholder", condition=~Q(code__iexact="TM") & ~Q(code="")
            ),
            models.CheckConstraint(
                name="code_available_is_free",
                condition=~Q(state=CodeState.AVAILABLE) | Q(wave__isnull=True, global_user_id=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "id"],
                name="code_available",
                condition=Q(state=CodeState.AVAILABLE),
            )
        ]

    def __str__(self) -> str:
        return f"code {self.pk}"


class Member(models.Model):
    """One fan in one wave, with the contact and code as prepared. [W-5, K-6]

    `holds_fan` is true while the wave is not CANCELLED or FAILED; the waves' trigger keeps it, and
    a unique index on (campaign, fan) where it is true lets nobody into two live waves of a
    campaign.
    """

    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="members")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    global_user_id = models.TextField()
    member_id = models.TextField(blank=True)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    code = models.CharField(
        max_length=64, blank=True, help_text="TM where the stock is managed elsewhere"
    )
    place = models.PositiveIntegerField(
        help_text="Place in the order of all candidates, from 1 [S-9]"
    )
    band_score = models.FloatField()
    holds_fan = models.BooleanField(default=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="member_once", fields=["wave", "global_user_id"]),
            models.UniqueConstraint(
                name="member_in_one_live_wave",
                fields=["campaign", "global_user_id"],
                condition=Q(holds_fan=True),
            ),
        ]
        indexes = [models.Index(fields=["wave", "market", "place"], name="member_in_order")]

    def __str__(self) -> str:
        return f"member {self.pk} of wave {self.wave_id}"


class Assignment(models.Model):
    """A code bound to a fan for a campaign. Immutable: a trigger refuses UPDATE of fan, campaign or
    code, and DELETE. [K-6]
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="assignments")
    global_user_id = models.TextField()
    code = models.OneToOneField(Code, on_delete=models.PROTECT, related_name="assignment")
    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="assignments")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    assigned_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="assignment_once", fields=["campaign", "global_user_id"])
        ]
        indexes = [
            models.Index(
                fields=["wave", "id"],
                name="assignment_unpublished",
                condition=Q(published_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"


class Send(models.Model):
    """One message to one member on one channel; the idempotency key is made with the row, before
    any attempt. [N-3, N-4]
    """

    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="sends")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="sends")
    channel = models.CharField(max_length=5, choices=Channel)
    key = models.UUIDField(unique=True, help_text="Idempotency key of (wave, fan, channel)")
    state = models.CharField(max_length=14, choices=SendState, default=SendState.PENDING)
    reason = models.CharField(max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="Back-off: no attempt before this"
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(
        null=True,
        blank=True,
        help_text="Fences the outcome: only the claim that sent may record it",
    )
    maybe_accepted = models.BooleanField(
        default=False, db_default=False, help_text="An earlier attempt may have arrived"
    )
    provider_id = models.CharField(max_length=80, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="When a receipt or a person settled it"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(name="send_once", fields=["member", "channel"]),
            models.CheckConstraint(
                name="send_failed_says_why", condition=~Q(state=SendState.FAILED) | ~Q(reason="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["wave", "channel", "id"],
                name="send_open",
                condition=Q(state__in=[SendState.PENDING, SendState.SENDING]),
            ),
            models.Index(fields=["wave", "state"], name="send_state"),
        ]

    def __str__(self) -> str:
        return f"send {self.pk}"


class QueuedEmail(models.Model):
    """An e-mail on its way to the provider; ids only, the text is rendered when it is sent. [N-5]"""

    send = models.OneToOneField(Send, on_delete=models.PROTECT, related_name="queued_email")
    state = models.CharField(max_length=14, choices=SendState, default=SendState.PENDING)
    reason = models.CharField(max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    queued_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                name="queuedemail_open",
                condition=Q(state__in=[SendState.PENDING, SendState.SENDING]),
            )
        ]

    def __str__(self) -> str:
        return f"e-mail {self.pk}"


class Template(models.Model):
    """What a message says: per campaign (or for all), market (or for all), channel and language.
    [N-1]
    """

    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.CASCADE, related_name="templates"
    )
    market = models.ForeignKey(
        Market, null=True, blank=True, on_delete=models.CASCADE, related_name="templates"
    )
    channel = models.CharField(max_length=5, choices=Channel)
    language = models.CharField(max_length=10, default="en")
    subject = models.CharField(max_length=200, blank=True, help_text="E-mail only")
    body = models.TextField(help_text="Placeholders such as {campaign} and {code}")
    html = models.TextField(blank=True, help_text="E-mail only; the text is sent beside it")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="template_once",
                fields=["campaign", "market", "channel", "language"],
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} template {self.pk}"


class ProviderAccount(models.Model):
    """A provider's account: what all workers together may send through it, and whether it is
    paused. [N-2, N-6]
    """

    name = models.CharField(max_length=40, unique=True)
    paused = models.BooleanField(default=False)
    paused_reason = models.CharField(max_length=200, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    in_flight = models.PositiveIntegerField(default=0)
    permits_until = models.DateTimeField(
        null=True, blank=True, help_text="Up to when permits are given out"
    )
    state = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return self.name


class Sender(models.Model):
    """A process that sends through an account, and its part of the account's concurrency; dead when
    its lease is over. [N-2]

    Its id is the `claim` in the rows it sends.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(ProviderAccount, on_delete=models.CASCADE, related_name="senders")
    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="senders")
    slots = models.PositiveIntegerField(default=0, help_text="Requests it may have in flight")
    in_flight = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField()
    started_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="sender_within_its_slots", condition=Q(in_flight__lte=F("slots"))
            )
        ]

    def __str__(self) -> str:
        return f"sender {self.pk}"


class SendResult(models.Model):
    """N-7's result of a wave, saved when it completes; the five parts add up to the total. [N-7]"""

    wave = models.OneToOneField(Wave, on_delete=models.CASCADE, related_name="result")
    total = models.BigIntegerField()
    ok = models.BigIntegerField()
    failed = models.BigIntegerField()
    skipped = models.BigIntegerField()
    unknown = models.BigIntegerField()
    pending = models.BigIntegerField()
    detail = models.JSONField(default=dict)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="sendresult_adds_up",
                condition=Q(
                    total=F("ok") + F("failed") + F("skipped") + F("unknown") + F("pending")
                ),
            )
        ]

    def __str__(self) -> str:
        return f"result of wave {self.wave_id}"
