"""Who registered, and the files they came in. [C-4]"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q

from campaigns.choices import Reason
from campaigns.models.presales import Campaign
from operations.entry import languages

# The function of the database that splits a line; the indexes of rejected rows hold its fields.
FIELDS = "campaigns_fields"
CONTACTS = ("email", "phone", "member_id")
# ASCII alone, whatever the locale
LOWERED_FAN = Func(
    F("global_user_id"), function="lower", template='%(function)s(%(expressions)s COLLATE "C")'
)


class Registrant(models.Model):
    """A fan who registered for a campaign. [C-4]"""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="registrants", db_index=False
    )
    global_user_id = models.TextField()
    member_id = models.TextField(blank=True)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=20, blank=True, help_text="E.164")
    phone_region = models.CharField(max_length=3, blank=True)
    phone_confirmed = models.BooleanField(default=False)
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(
        max_length=languages.LONGEST, blank=True, db_default="", help_text="BCP 47, such as pt-BR"
    )
    preferences = ArrayField(
        models.CharField(max_length=40),
        default=list,
        blank=True,
        help_text="Market ids, best first; none = any",
    )
    registered_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="date.created of the record that won")
    tags = models.CharField(max_length=200, blank=True)
    verdict = models.BooleanField(null=True, blank=True)
    published_by = models.ForeignKey(
        "RegistrationImport",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        db_index=False,
        related_name="+",
        help_text="The file that publishes its record; none for a record from the stream",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(name="registrant_once", fields=["campaign", "global_user_id"])
        ]
        indexes = [
            models.Index(
                fields=["published_by", "id"],
                name="registrant_published_by",
                condition=Q(published_by__isnull=False),
            ),
            *(models.Index(fields=[field], name=f"registrant_{field}") for field in CONTACTS),
        ]

    def __str__(self) -> str:
        return f"registrant {self.pk}"


class RegistrationImport(models.Model):
    """One file of registrations and the results of its rows. [C-4]"""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="imports", db_index=False
    )
    name = models.CharField(max_length=255)
    key = models.CharField(max_length=300, help_text="Object key in the scoring bucket")
    sha256 = models.CharField(max_length=64)
    corrects = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="corrections",
        help_text="The registration file whose rejected rows it corrects",
    )
    rows_in = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    rejected_by = models.JSONField(default=dict)
    tagged_by = models.JSONField(default=dict)
    columns = models.JSONField(default=list, help_text="All columns, as the file spells them")
    ignored_columns = models.JSONField(default=list)
    rejected_key = models.CharField(  # empty until the file is written
        max_length=300, blank=True
    )
    finished = models.BooleanField(default=False)
    published_to = models.BigIntegerField(
        default=0, help_text="The number of the last registrant whose record it has published"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    reason = models.TextField(blank=True, help_text="Why it is taken in late")
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who takes it in late",
    )

    class Meta:
        verbose_name = "registration file"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="import_ledger",
                condition=Q(finished=False) | Q(rows_in=F("accepted") + F("rejected")),
            ),
            models.UniqueConstraint(
                name="import_once", fields=["campaign", "sha256", "corrects"], nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.campaign_id}"


class RejectedRegistration(models.Model):
    """A rejected row of an import of registrations, as it came. [C-4]

    Filled by COPY, hundreds of thousands at a time: a foreign key would be looked up again for each
    row of one file.
    """

    registration_import = models.ForeignKey(
        RegistrationImport, models.CASCADE, "rejected_rows", db_constraint=False, db_index=False
    )
    line = models.BigIntegerField()
    global_user_id = models.TextField(blank=True)
    reason = models.CharField(max_length=24, choices=Reason)
    raw = models.TextField(
        help_text="The line as it is in the file; bytes that are not UTF-8 as \\xNN"
    )
    # as written, in the form of contacts.search_forms; null: the fields of the line are searched
    email = models.TextField(null=True)
    phone = models.TextField(null=True)
    member_id = models.TextField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["registration_import", "line"], name="rejected_of_an_import"),
            GinIndex(
                Func(F("raw"), function=FIELDS),
                name="rejectedregistration_fields",
                condition=Q(email=None),
            ),
            models.Index(LOWERED_FAN, name="rejectedregistration_fan"),
            *(
                models.Index(fields=[field], name=f"rejectedregistration_{field}")
                for field in CONTACTS
            ),
        ]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class CorrectedRegistration(models.Model):
    """Which rejected line of the file that it corrects a line of an import comes from. [C-4]

    Filled by COPY, as the rejected rows are.
    """

    registration_import = models.ForeignKey(
        RegistrationImport, models.CASCADE, "corrected_rows", db_constraint=False, db_index=False
    )
    line = models.BigIntegerField()
    corrected_line = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="corrected_once", fields=["registration_import", "corrected_line"]
            )
        ]

    def __str__(self) -> str:
        return f"line {self.line} corrects {self.corrected_line}"
