"""Waves, their markets and their members; constraints hold what must never happen."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from campaigns.choices import CodeSources, NotifyChannels
from campaigns.models import Campaign, Market, ScoreFile
from operations.entry import languages
from operations.entry.values import BEHIND_NOTIFYING, FIRST_MOMENT
from waves.choices import Order, Queue, WaveKind, WaveState

UNSETTLED = [WaveState.CANCELLED, WaveState.FAILED]  # waves in these states hold no fan [K-6]


class Wave(models.Model):
    """One batch of fans notified at one notify date. [W-1]"""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="waves", db_index=False
    )
    date_key = models.CharField(max_length=20, help_text="YYYYMMDD or YYYYMMDD-n")
    name = models.CharField(
        max_length=80, unique=True, editable=False, help_text="{campaign_id}_{date_key}"
    )
    kind = models.CharField(max_length=12, choices=WaveKind, default=WaveKind.DRAWN, editable=False)
    notify_date = models.DateTimeField()
    category_id = models.CharField(max_length=80, blank=True)
    product_id = models.CharField(max_length=80, blank=True)
    source = models.CharField(max_length=80, blank=True)
    generate_offer_code = models.BooleanField(default=False)
    options = models.JSONField(default=dict, blank=True)
    order = models.CharField(max_length=20, choices=Order, default=Order.BY_PREFERENCE)
    single_market = models.CharField(max_length=40, blank=True)
    min_score = models.FloatField(null=True, blank=True)
    reassign = models.BooleanField(
        default=False, help_text="Also takes fans who hold a code already, with that code [W-6]"
    )
    tops_up = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="top_ups",
        help_text="The wave by whose rules it fills what room is left [X-7]",
    )
    least_score = models.FloatField(
        null=True,
        editable=False,
        help_text="The minimum that it was prepared by: the largest of all in force then [S-16]",
    )

    state = models.CharField(max_length=20, choices=WaveState, default=WaveState.CONFIGURED)
    queue = models.CharField(
        max_length=9,
        choices=Queue,
        default=Queue.RUNNING,
        db_default=Queue.RUNNING,
        editable=False,
        help_text="Of a completed wave: whether what it still has to send is sent [N-6]",
    )
    live = models.GeneratedField(
        expression=~Q(state__in=UNSETTLED),  # type: ignore[arg-type]  # a Q is one too
        output_field=models.BooleanField(),
        db_persist=True,
        help_text="Not cancelled and not failed: its members carry it by a foreign key [K-6]",
    )
    selects = models.GeneratedField(
        expression=~Q(kind=WaveKind.NOT_SELECTED),  # type: ignore[arg-type]  # a Q is one too
        output_field=models.BooleanField(),
        db_persist=True,
        help_text="Its members have a market; its members carry it by a foreign key [X-8]",
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    score_file = models.ForeignKey(
        ScoreFile, null=True, blank=True, on_delete=models.PROTECT, related_name="waves"
    )
    members_digest = models.CharField(max_length=64, blank=True)
    previewed_digest = models.CharField(
        max_length=64,
        blank=True,
        help_text="Of the members of the preview: others are not prepared",
    )
    content_digest = models.CharField(max_length=64, blank=True)
    counted_digest = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="The content with which the second count agrees [X-14]",
    )
    differs_digest = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="The content with which it does not; count_problems says in what",
    )
    counted_at = models.DateTimeField(null=True, blank=True, editable=False)
    count_problems = models.JSONField(default=list, blank=True, editable=False)
    facts_key = models.CharField(
        max_length=300, blank=True, editable=False, help_text="The sealed facts of this preparation"
    )
    facts_digest = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Their SHA-256"
    )
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
    soft_start = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Fans who are notified first; none: as the campaign says, 0: no soft start [N-9]",
    )
    candidates = models.BigIntegerField(default=0)
    selected = models.BigIntegerField(default=0)
    waitlist = models.BigIntegerField(default=0)
    returned = models.BigIntegerField(
        default=0,
        editable=False,
        help_text="Selected fans who come back with a code from a cancelled wave [W-6]",
    )
    codes_kept = models.BigIntegerField(
        default=0,
        editable=False,
        help_text="Fans of the cancelled wave whose code stays theirs",
    )
    excluded = models.JSONField(default=dict, blank=True)
    zip_key = models.CharField(
        max_length=300, blank=True, help_text="The zip that counts: that of one attempt"
    )
    candidates_key = models.CharField(
        max_length=300, blank=True, help_text="The record of that attempt's candidates"
    )
    waiting_key = models.CharField(
        max_length=300,
        blank=True,
        editable=False,
        help_text="The waiting list of that attempt [W-5]",
    )
    rejected_key = models.CharField(
        max_length=300,
        blank=True,
        editable=False,
        help_text="The rejected rows of an uploaded list",
    )
    filed_as = models.CharField(
        max_length=90,
        blank=True,
        editable=False,
        help_text="What the files in smsWaves/ say: the wave's place there and its content [W-3]",
    )
    status_key = models.CharField(max_length=300, blank=True)
    status_content = models.TextField(blank=True, help_text="What the status file is to say")
    status_stored = models.BooleanField(
        default=True, help_text="Off until the status file says so; a sweep sees to it"
    )

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
        blank=True, help_text="Reason for having no second person, while WAVES_FOUR_EYES is off"
    )
    expedited = models.TextField(
        blank=True, help_text="Reason for short notice: less than a day before the notify date"
    )
    own_rules_reason = models.TextField(
        blank=True, help_text="Reason for rules of its own after luck could be known"
    )
    prepared_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    scheduled_at = models.DateTimeField(null=True, blank=True)
    triggered_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    rows_deleted_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When its members and messages began to be deleted, long after its campaign was"
        " archived: its counts stay as they were then",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("prepare_wave", "Can preview and prepare waves"),
            ("approve_wave", "Can approve waves"),
            ("schedule_wave", "Can schedule and unschedule waves"),
            ("send_wave", "Can send, pause, resume and cancel waves"),
            ("expedite_wave", "Can prepare a wave less than a day ahead"),
            ("late_wave_rules", "Can give a wave rules of its own after luck could be known"),
            ("reset_wave", "Can reset a wave after two failed attempts"),
            ("stop_all", "Can stop all sending"),
            ("upload_wave", "Can upload a list of fans as a wave"),
        ]
        constraints = [
            models.UniqueConstraint(name="wave_once", fields=["campaign", "date_key"]),
            models.UniqueConstraint(
                name="wave_liveness", fields=["id", "campaign", "live", "selects"]
            ),
            models.CheckConstraint(
                name="wave_years",
                condition=Q(notify_date__gte=FIRST_MOMENT, notify_date__lt=BEHIND_NOTIFYING),
            ),
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
                name="wave_approval_was_counted",
                condition=Q(approved_digest="") | Q(counted_digest=F("approved_digest")),
            ),
            models.CheckConstraint(
                name="wave_count_has_one_verdict",
                condition=Q(differs_digest="") | ~Q(differs_digest=F("counted_digest")),
            ),
            models.CheckConstraint(
                name="wave_queue_is_stopped_after_completion",
                condition=Q(queue=Queue.RUNNING) | Q(state=WaveState.COMPLETED),
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
    """What a wave does in one market: seats, selected, cut-off. Written at preparation, and kept
    whatever becomes of the campaign's market. [W-5, S-16]
    """

    wave = models.ForeignKey(
        Wave, on_delete=models.CASCADE, related_name="wave_markets", db_index=False
    )
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    capacity = models.PositiveIntegerField(help_text="Seats of the market in the whole campaign")
    given = models.PositiveIntegerField(default=0, help_text="Seats that were used already")
    own_capacity = models.PositiveIntegerField(
        null=True, blank=True, help_text="The most that the wave's own file allowed"
    )
    room = models.PositiveIntegerField(help_text="Seats that the wave could fill")
    selection_time = models.DateTimeField()
    position = models.PositiveIntegerField(default=0)
    code_source = models.CharField(max_length=20, choices=CodeSources, default=CodeSources.OWN)
    selected = models.PositiveIntegerField(default=0)
    wanted = models.PositiveIntegerField(default=0)
    cutoff = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(name="wavemarket_once", fields=["wave", "market"]),
            models.CheckConstraint(
                name="wavemarket_room",
                condition=Q(selected__lte=F("room"), room__lte=F("capacity")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} in wave {self.wave_id}"


class Member(models.Model):
    """One fan in one wave, with the contact and code as prepared; at place 0 who came with a code
    that they hold already. [W-5, W-6, K-6]

    `wave_live` and `wave_selects` are its wave's `live` and `selects`, of the same wave and
    campaign: a foreign key over all four holds it, and follows the wave by ON UPDATE CASCADE in the
    statement that moves the wave. A unique index on (campaign, fan) where it is live lets nobody
    into two live waves of a campaign, but for who is in a completed one and is reassigned the code
    that they hold: `reassigned` names their assignment, by a foreign key over campaign, fan and
    market too, so nobody comes in without such a code, and none of them uses another seat.
    """

    # both are held by the foreign key over (wave, campaign, wave_live, wave_selects)
    wave = models.ForeignKey(
        Wave, on_delete=models.CASCADE, related_name="members", db_constraint=False, db_index=False
    )
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    market = models.ForeignKey(
        Market,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="None only for fans who are told that they were not selected [X-8]",
    )
    global_user_id = models.TextField()
    member_id = models.TextField(blank=True)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    code = models.CharField(
        max_length=64, blank=True, help_text="TM where the stock is managed elsewhere"
    )
    language = models.CharField(
        max_length=languages.LONGEST,
        blank=True,
        db_default="",
        help_text="Of the fan, as registered when the wave was prepared",
    )
    place = models.PositiveIntegerField(
        help_text="Place in the order of all candidates, from 1 [S-9]"
    )
    band_score = models.FloatField()
    wave_live = models.BooleanField(default=True, editable=False)
    wave_selects = models.BooleanField(db_default=True, editable=False)
    # held by the foreign key over (reassigned, campaign, fan, market)
    reassigned = models.ForeignKey(
        "waves.Assignment",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="Of a fan who is in a completed wave too: the code that they hold [W-6]",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(name="member_once", fields=["wave", "global_user_id"]),
            models.UniqueConstraint(
                name="member_in_one_live_wave",
                fields=["campaign", "global_user_id"],
                condition=Q(wave_live=True, reassigned=None),
            ),
            models.CheckConstraint(
                name="member_has_a_market_where_it_was_selected",
                condition=Q(wave_selects=True, market__isnull=False)
                | Q(wave_selects=False, market=None, code="", reassigned=None),
            ),
        ]
        indexes = [models.Index(fields=["wave", "market", "place"], name="member_in_order")]

    def __str__(self) -> str:
        return f"member {self.pk} of wave {self.wave_id}"
