"""Who looked at or took away personal data, when and why; receipts of erasures. Written first,
never altered. [O-5, X-11]
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Access(models.TextChoices):
    SHOWN = "shown", "shown on pages for 15 minutes"
    FOUND = "found", "searched for a fan"
    EXPORTED = "exported", "downloaded"


class PersonalDataAccess(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=10, choices=Access)
    subject = models.CharField(
        max_length=300, blank=True, help_text="The file downloaded, or the campaign searched"
    )
    reason = models.TextField()
    at = models.DateTimeField(auto_now_add=True)
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = "personal data log entry"
        verbose_name_plural = "personal data log"
        default_permissions = ("view",)
        constraints = [models.CheckConstraint(name="access_says_why", condition=~Q(reason=""))]

    def __str__(self) -> str:
        return f"access {self.pk}"


class Erasure(models.Model):
    """The receipt of a fan's erasure: every place touched, and what was not reached. Finished, it
    does not name the fan. [X-11]

    Begun before anything is touched. One whose work died is taken up by the next erasure of the
    same fan; finished, it is never altered.
    """

    fan_digest = models.CharField("fan", max_length=64, help_text="Keyed hash of the fan's id")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    begun_at = models.DateTimeField("begun", auto_now_add=True)
    until = models.DateTimeField(
        null=True,
        blank=True,
        help_text=("The fan is removed from everything archived before this time"),
    )
    finished_at = models.DateTimeField(
        "finished", null=True, blank=True, help_text="Empty while the erasure is not complete"
    )
    not_reached = models.JSONField(
        default=list, help_text="Places where the fan was not erased: place, count if known, reason"
    )
    sought = models.JSONField(
        default=dict,
        editable=False,
        help_text="Whom an open erasure looks for: the id and known contacts; empty at its end",
    )
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ("view",)
        permissions = [("erase_fan", "Can erase a fan")]
        constraints = [
            models.CheckConstraint(name="erasure_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="erasure_says_until_when",
                condition=Q(finished_at=None) | Q(until__isnull=False),
            ),
            models.CheckConstraint(
                name="erasure_finished_names_nobody",
                condition=Q(finished_at=None) | Q(sought={}),
            ),
            models.UniqueConstraint(
                name="erasure_one_open", fields=["fan_digest"], condition=Q(finished_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"


class ErasedPlace(models.Model):
    """Something that held the fan: an object written down before it was changed, or rows as they
    were deleted. [X-11]
    """

    erasure = models.ForeignKey(
        Erasure, on_delete=models.PROTECT, related_name="places", db_index=False
    )
    area = models.CharField(max_length=40)
    what = models.CharField(max_length=12, help_text="file, error file or table")
    name = models.CharField(max_length=1024, help_text="Object key, or name of the table")
    count = models.PositiveIntegerField(
        help_text="Records of a file, events of an error file, rows of a table"
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                name="erasedplace_once", fields=["erasure", "area", "what", "name"]
            )
        ]

    def __str__(self) -> str:
        return self.name


class SignInCounter(models.Model):
    """Failed sign-ins of one browser, address or user name; all are keyed digests. [O-7]"""

    key = models.CharField(max_length=80, unique=True)
    account = models.CharField(max_length=80, blank=True, db_index=True)
    failures = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"sign-in counter {self.pk}"
