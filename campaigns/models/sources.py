"""A public source that was moved: as it was before. [S-8]"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from campaigns.models.presales import Campaign
from campaigns.public_source import LONGEST_FORM, LONGEST_NAME, PublicSource


class SourceMove(models.Model):
    """The one time that an open campaign named another source, before its value was public. The row
    keeps the source as it stood before. [S-8]
    """

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="source_move")
    source = models.CharField(max_length=LONGEST_NAME)
    chain = models.CharField(max_length=64, blank=True)
    round = models.PositiveBigIntegerField(null=True, blank=True)
    form = models.CharField(max_length=LONGEST_FORM)
    public_at = models.DateTimeField()
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="sourcemove_says_why", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.source} until {self.at:%Y-%m-%d %H:%M}"

    @property
    def before(self) -> PublicSource:
        return PublicSource(self.source, self.chain, self.round, self.form, self.public_at)
