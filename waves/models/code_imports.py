"""Files of codes that somebody else made, and what became of their rows. [K-1, X-10]"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from campaigns.models import Campaign, Market
from waves.choices import CodeReason


class CodeImport(models.Model):
    """One file of access codes. Its counts grow with each batch of rows, in the transaction that
    stores the codes: an import that is cut off goes on behind `last_line`.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="code_imports", db_index=False
    )
    market = models.ForeignKey(
        Market,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The market of rows that name none; without one they are for every market",
    )
    origin = models.TextField(help_text="Who the codes come from")
    name = models.CharField(max_length=255)
    key = models.CharField(max_length=300, help_text="Object key in the scoring bucket")
    sha256 = models.CharField(max_length=64)
    columns = models.JSONField(default=list, help_text="All columns, as the file spells them")
    ignored_columns = models.JSONField(default=list)
    rows_in = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    rejected_by = models.JSONField(default=dict)
    last_line = models.BigIntegerField(default=1, help_text="The last line with an outcome")
    rejected_key = models.CharField(max_length=300, blank=True)
    finished = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = "code file"
        ordering = ["-id"]
        permissions = [("import_codes", "Can import access codes")]
        constraints = [
            models.CheckConstraint(
                name="code_import_ledger", condition=Q(rows_in=F("accepted") + F("rejected"))
            ),
            models.UniqueConstraint(
                name="code_import_once",
                fields=["campaign", "sha256", "origin", "market"],
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.campaign_id}"


class RejectedCode(models.Model):
    """A row of a code file that was not accepted, as it came. Filled by COPY."""

    code_import = models.ForeignKey(
        CodeImport, models.CASCADE, "rejected_rows", db_constraint=False, db_index=False
    )
    line = models.BigIntegerField()
    reason = models.CharField(max_length=24, choices=CodeReason)
    raw = models.TextField(
        help_text="The line as it is in the file; bytes that are not UTF-8 as \\xNN"
    )

    class Meta:
        indexes = [models.Index(fields=["code_import", "line"], name="rejected_of_a_code_import")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
