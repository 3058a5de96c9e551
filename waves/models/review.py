"""What people are shown and told about a wave before it is sent. [X-5, O-9]"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from waves.models.waves import Wave


class WaveLook(models.Model):
    """That a user who may approve waves has seen one content of a wave, and what it was: the parts
    of its digest, without members. [X-5]
    """

    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="looks", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(help_text="The last time")
    snapshot = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="wavelook_once", fields=["wave", "user", "digest"])
        ]

    def __str__(self) -> str:
        return f"look {self.pk} at wave {self.wave_id}"


class ApprovalNotice(models.Model):
    """That approvers were told of one content of a wave; `after`: the number of the change by which
    it had lost its approval, 0 if it had none yet. [X-5]
    """

    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="notices", db_index=False)
    digest = models.CharField(max_length=64)
    after = models.BigIntegerField(default=0)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="approvalnotice_once", fields=["wave", "digest", "after"])
        ]

    def __str__(self) -> str:
        return f"notice {self.pk} of wave {self.wave_id}"


class NoticeEmail(models.Model):
    """One approver's e-mail of a notice: open until it is sent, or refused for good."""

    notice = models.ForeignKey(
        ApprovalNotice, on_delete=models.CASCADE, related_name="emails", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sent_at = models.DateTimeField(null=True, blank=True)
    refused = models.TextField(blank=True, help_text="Why the mail server will never take it")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="noticeemail_once", fields=["notice", "user"]),
            models.CheckConstraint(
                name="noticeemail_has_one_end", condition=Q(sent_at=None) | Q(refused="")
            ),
        ]

    def __str__(self) -> str:
        return f"e-mail {self.pk} of notice {self.notice_id}"


class DeadlineWarning(models.Model):
    """That Slack was warned so many hours before this notify date of a wave. [O-9]"""

    wave = models.ForeignKey(
        Wave, on_delete=models.CASCADE, related_name="warnings", db_index=False
    )
    notify_date = models.DateTimeField()
    hours = models.PositiveSmallIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="deadlinewarning_once", fields=["wave", "notify_date", "hours"]
            )
        ]

    def __str__(self) -> str:
        return f"warning {self.hours} h before wave {self.wave_id}"
