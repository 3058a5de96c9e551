"""Access codes and their assignments; constraints hold what must never happen. [K-1 … K-6]"""

from __future__ import annotations

from typing import Any, Final

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper

from campaigns.choices import CodeSource
from campaigns.models import Campaign, Market
from waves.choices import CodeCall, CodeState
from waves.models.code_imports import CodeImport
from waves.models.waves import Wave

CODE_SERVICE = "code service"  # the origin of its codes
FREE: Final = (CodeState.AVAILABLE, CodeState.RELEASED)
# Codes are written by the million: the database would look each foreign key up again for each code,
# which took half the time, and one more index costs as much as the code's own.
_KEY: Final[dict[str, Any]] = {
    "on_delete": models.PROTECT,
    "db_constraint": False,
    "db_index": False,
}


class Code(models.Model):
    """An access code, unique over all campaigns whatever its case. TM is no row here. Once it is
    assigned, a trigger refuses another text, campaign, wave or fan, and any way back. [K-1, K-3,
    K-5, K-6]
    """

    campaign = models.ForeignKey(Campaign, related_name="codes", **_KEY)
    code = models.CharField(max_length=64)
    source = models.CharField(
        max_length=10, choices=CodeSource, default=CodeSource.OWN, db_default=CodeSource.OWN
    )
    origin = models.TextField(
        blank=True,
        db_default="",
        help_text="Who it came from: a list's name or 'code service'; empty for our own",
    )
    code_import = models.ForeignKey(
        CodeImport,
        null=True,
        blank=True,
        related_name="codes",
        **_KEY,
        help_text="The file that it was imported from",
    )
    line = models.BigIntegerField(null=True, blank=True, help_text="Its line in that file")
    only_market = models.ForeignKey(
        Market,
        null=True,
        blank=True,
        related_name="+",
        **_KEY,
        help_text="The only market in which it may be given; empty for every market",
    )
    made_for = models.ForeignKey(
        Wave,
        null=True,
        blank=True,
        related_name="+",
        **_KEY,
        help_text="The wave that an own code was made for; released, it may serve another one",
    )
    state = models.CharField(
        max_length=12,
        choices=CodeState,
        default=CodeState.AVAILABLE,
        db_default=CodeState.AVAILABLE,
    )
    wave = models.ForeignKey(Wave, null=True, blank=True, related_name="codes", **_KEY)
    global_user_id = models.TextField(
        blank=True, db_default="", help_text="The fan it is reserved for"
    )
    market = models.ForeignKey(Market, null=True, blank=True, related_name="+", **_KEY)
    begins_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    reserved_at = models.DateTimeField(null=True, blank=True)
    assigned_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When it was first sent; kept here once the messages are deleted by age",
    )
    confirmed_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the code service confirmed that it is assigned, or has it back",
    )

    class Meta:
        verbose_name = "access code"
        constraints = [
            models.UniqueConstraint(Upper("code"), name="code_once_whatever_its_case"),
            models.UniqueConstraint(
                name="code_one_reservation_per_fan_and_wave",
                fields=["wave", "global_user_id"],
                condition=Q(wave__isnull=False),
            ),
            models.CheckConstraint(
                name="code_is_no_placeholder", condition=~Q(code__in=["TM", "Tm", "tM", "tm", ""])
            ),
            models.CheckConstraint(
                name="code_is_free_or_a_fans",
                condition=Q(state__in=FREE, wave__isnull=True, global_user_id="")
                | Q(~Q(state__in=FREE), ~Q(global_user_id=""), wave__isnull=False),
            ),
            models.CheckConstraint(
                name="code_released_is_the_services",
                condition=~Q(state=CodeState.RELEASED) | Q(origin=CODE_SERVICE),
            ),
        ]
        indexes = [
            # numbers alone: with the source in it, storing a code took a third longer
            models.Index(
                fields=["campaign", "id"],
                name="code_own_available",
                condition=Q(state=CodeState.AVAILABLE, source=CodeSource.OWN),
            ),
            models.Index(
                fields=["campaign", "only_market", "id"],
                name="code_partner_available",
                condition=Q(state=CodeState.AVAILABLE, source=CodeSource.PARTNER),
            ),
            models.Index(
                fields=["id"],
                name="code_to_give_back",
                condition=Q(state=CodeState.RELEASED, confirmed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"code {self.pk}"


class CodeServiceCall(models.Model):
    """One batch that the code service was asked for, written before it is: a repeat, also of
    another process, asks for the same under the same key. [K-4, W-9]

    Numbers count per wave, action and market, and are never used again. `answered_at` is empty
    until what came of it is in the rows of the codes. `valid` and `updated` are what the service
    said of an assignment; of the others, `valid` is how many codes came that could be used. A
    batch of GENERATE is one call for each fan, all under its number; until it is answered `pairs`
    says whom it asked for: [global_user_id, market_id].
    """

    wave = models.ForeignKey(
        Wave, on_delete=models.CASCADE, related_name="code_calls", db_index=False
    )
    action = models.CharField(max_length=10, choices=CodeCall)
    market = models.ForeignKey(
        Market, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    number = models.PositiveIntegerField()
    quantity = models.PositiveIntegerField()
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    pairs = models.JSONField(default=list, db_default=[], editable=False)
    valid = models.PositiveIntegerField(null=True, blank=True)
    updated = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="codeservicecall_once",
                fields=["wave", "action", "market", "number"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="codeservicecall_market_of_a_reservation",
                condition=Q(action=CodeCall.RESERVE) & Q(market__isnull=False)
                | ~Q(action=CodeCall.RESERVE) & Q(market__isnull=True),
            ),
            models.CheckConstraint(
                name="codeservicecall_counts",
                condition=Q(valid=None) | Q(valid__lte=F("quantity")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.number} of wave {self.wave_id}"


class Assignment(models.Model):
    """A code bound to a fan for a campaign. Immutable: a trigger refuses UPDATE of fan, campaign or
    code, and DELETE. [K-6]
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="assignments", db_index=False
    )
    global_user_id = models.TextField()
    code = models.OneToOneField(Code, on_delete=models.PROTECT, related_name="assignment")
    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="assignments")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    assigned_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    stream_position = models.BigIntegerField(
        null=True, blank=True, help_text="Of the batch of the input stream that its record is in"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(name="assignment_once", fields=["campaign", "global_user_id"]),
            # what a reassigned member names [W-6]
            models.UniqueConstraint(
                name="assignment_of_fan_and_market",
                fields=["id", "campaign", "global_user_id", "market"],
            ),
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
