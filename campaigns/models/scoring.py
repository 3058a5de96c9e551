"""Score files, the rows that were accepted and those that were not, and which file counts. [S-12 …
S-15]
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from campaigns.choices import Reason, ScoreFileState
from campaigns.models.presales import PUBLIC_ID, Campaign
from datalake.choices import StreamName


class FanList(models.Model):
    """A list of fans by rank that a service keeps for one campaign; each of its files becomes a
    score file. [S-15]
    """

    fanlist_id = models.CharField("fan list id", max_length=40, unique=True, validators=[PUBLIC_ID])
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="fanlists")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"fan list {self.fanlist_id}"


class ScoreFile(models.Model):
    """One uploaded file of scores: its bytes, the rules it is judged by, its ledger and its place
    among the attempts. [S-12]
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="score_files", db_index=False
    )
    attempt = models.PositiveIntegerField(
        help_text="Its number among the campaign's attempts, public"
    )
    name = models.CharField(max_length=255)
    timestamp = models.CharField(
        max_length=40, help_text="The part of the name between campaign id and .txt"
    )
    key = models.CharField(max_length=300, help_text="Object key in the scoring bucket")
    sha256 = models.CharField(max_length=64)
    kept_sha256 = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Of the object since rows of erased fans were taken out; empty before that",
    )
    bytes = models.BigIntegerField(default=0)
    supplement_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="supplements"
    )
    fanlist = models.ForeignKey(
        FanList, null=True, blank=True, on_delete=models.PROTECT, related_name="score_files"
    )
    manifest_key = models.CharField(
        max_length=300, blank=True, help_text="Of a file of ranks: what was translated, and how"
    )
    min_score = models.FloatField(
        null=True, editable=False, help_text="The minimum that its rows were checked by; public"
    )
    state = models.CharField(max_length=12, choices=ScoreFileState, default=ScoreFileState.UPLOADED)
    error = models.TextField(blank=True)
    activate_when_streamed = models.BooleanField(default=True)
    late = models.BooleanField(
        default=False, help_text="Received after luck could be known: it becomes active by hand"
    )

    rules = models.JSONField(
        default=dict,
        help_text="Snapshot of the lists, options and versions that its rows are checked by",
    )
    rules_digest = models.CharField(max_length=64, blank=True)
    rules_fixed_at = models.DateTimeField(
        null=True, editable=False, help_text="When its rules were taken; empty before that"
    )
    roster_digest = models.CharField(max_length=64, blank=True)
    roster_size = models.BigIntegerField(default=0, help_text="Rows that the roster lists")
    ignored_columns = models.JSONField(default=list)
    warnings = models.JSONField(
        default=list, help_text="What was missing when its rules were taken, in sentences"
    )

    rows_in = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    rejected_by = models.JSONField(default=dict)
    tagged_by = models.JSONField(default=dict)
    bands = models.JSONField(default=dict)
    streamed = models.BigIntegerField(default=0)
    stream_position = models.BigIntegerField(
        null=True, blank=True, help_text="Position of the last batch on the stream"
    )
    scrubbed_key = models.CharField(max_length=300, blank=True)
    rejected_key = models.CharField(max_length=300, blank=True)
    dry_run = models.JSONField(
        null=True, blank=True, help_text="What a dry run found, before anything was counted"
    )
    fairness = models.JSONField(null=True, blank=True, help_text="The fairness report of its draw")
    suspicious = models.JSONField(
        null=True, blank=True, help_text="How many suspicious groups were found in it"
    )

    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    streamed_at = models.DateTimeField(null=True, blank=True)
    rows_deleted_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When its rows were deleted, because its campaign is archived",
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="scorefile_attempt", fields=["campaign", "attempt"]),
            models.UniqueConstraint(
                name="scorefile_same_bytes",
                fields=["campaign", "sha256", "rules_digest"],
                condition=~Q(state=ScoreFileState.FAILED),
            ),
            models.CheckConstraint(
                name="scorefile_ledger",
                condition=Q(
                    state__in=[
                        ScoreFileState.UPLOADED,
                        ScoreFileState.PROCESSING,
                        ScoreFileState.FAILED,
                    ]
                )
                | Q(rows_in=F("accepted") + F("rejected")),
            ),
            models.CheckConstraint(
                name="scorefile_roster_lists_all",
                condition=Q(roster_digest="") | Q(roster_size=F("accepted")),
            ),
            models.CheckConstraint(
                name="scorefile_streamed_all",
                condition=~Q(state__in=[ScoreFileState.STREAMED, ScoreFileState.SAVED])
                | Q(streamed=F("accepted")),
            ),
            models.CheckConstraint(
                name="scorefile_late_is_active_by_hand",
                condition=Q(late=False) | Q(activate_when_streamed=False),
            ),
            models.CheckConstraint(
                name="scorefile_failed_says_why",
                condition=~Q(state=ScoreFileState.FAILED) | ~Q(error=""),
            ),
        ]

    def __str__(self) -> str:
        return f"score file {self.pk}: {self.name}"

    @property
    def stream(self) -> StreamName:
        """Where its accepted rows are published. [S-11, S-15]"""
        return StreamName.FANLIST_RANKS if self.fanlist_id else StreamName.SCORED

    @property
    def roster_key(self) -> str:
        """Where its roster is kept in the scoring bucket. [S-10]"""
        return f"rosters/{self.campaign.campaign_id}.{self.attempt}.tsv"

    @property
    def is_drawn(self) -> bool:
        return self.state in {ScoreFileState.STREAMED, ScoreFileState.SAVED}


class Activation(models.Model):
    """One switch of a campaign's active score file; the newest is undone by switching back to what
    it replaced. [S-13]
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="activations")
    score_file = models.ForeignKey(ScoreFile, null=True, on_delete=models.PROTECT, related_name="+")
    replaced = models.ForeignKey(ScoreFile, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone = models.BooleanField(default=False)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="activation_undone_has_its_time",
                condition=Q(undone=True) | Q(undone_at=None, undone_by=None),
            )
        ]

    def __str__(self) -> str:
        return f"activation {self.pk} of campaign {self.campaign_id}"


class FanScore(models.Model):
    """An accepted row of a score file. The table is partitioned by score file: a file's rows are
    filled bare, indexed and attached. Rows are inserted, never updated (a trigger refuses it).
    [S-13]
    """

    pk = models.CompositePrimaryKey("score_file", "global_user_id")
    score_file = models.ForeignKey(
        ScoreFile, on_delete=models.CASCADE, db_constraint=False, related_name="scores"
    )
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
    luck = models.BigIntegerField(
        null=True, help_text="The first 64 bits of h, less 2^63: sorts as h does"
    )
    tags = models.TextField(help_text="Joined by |")
    preferences = models.TextField(
        null=True,
        help_text="Market ids the fan asked for, joined by | (empty = any); null if they had not"
        " registered when the row was checked",
    )

    class Meta:
        managed = False
        db_table = "campaigns_fanscore"

    def __str__(self) -> str:
        return f"score of line {self.line} in score file {self.score_file_id}"


class RejectedRow(models.Model):
    """A rejected row of a score file, as it came. Partitioned and filled as the scores are; a
    file's rows are to be seen here once all of them are judged. [S-3, S-11]
    """

    pk = models.CompositePrimaryKey("score_file", "line")
    score_file = models.ForeignKey(
        ScoreFile, on_delete=models.CASCADE, db_constraint=False, related_name="rejected_rows"
    )
    line = models.BigIntegerField()
    global_user_id = models.TextField()
    reason = models.CharField(max_length=24, choices=Reason)
    raw = models.TextField(
        help_text="The line as it is in the file; bytes that are not UTF-8 as \\xNN"
    )
    # as written, in the form of contacts.search_forms; null: the fields of the line are searched
    email = models.TextField(null=True)
    phone = models.TextField(null=True)
    member_id = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "campaigns_rejectedrow"

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
