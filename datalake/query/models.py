"""Queries in SQL, as they were asked. [L-8]"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from datalake.choices import QueryState


class LakeQuery(models.Model):
    """A query in SQL: who asked what and when, and what became of it. The text may name fans, and
    the answer holds them, so only those who may ask see either. [L-8, O-7]
    """

    sql = models.TextField("SQL")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=QueryState, default=QueryState.QUEUED)
    error = models.TextField(blank=True, help_text="Why it was refused")
    columns = models.JSONField(default=list, help_text="Name and type of each")
    answer = models.BinaryField(
        null=True, help_text="The rows, as compressed JSON; deleted after a day"
    )
    rows = models.PositiveIntegerField(default=0)
    cut = models.BooleanField(default=False, help_text="There were more rows than the limit")
    files = models.PositiveIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    asked_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "lake queries"
        default_permissions = ()
        permissions = [("query_lake", "Can query the lake with SQL, with personal data")]
        constraints = [
            models.CheckConstraint(
                name="lakequery_only_done_answers",
                condition=Q(answer=None) | Q(state=QueryState.DONE),
            )
        ]
        indexes = [
            models.Index(
                fields=["finished_at"],
                name="lakequery_answers",
                condition=Q(answer__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"query {self.pk}"
