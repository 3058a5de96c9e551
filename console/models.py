"""Who looked at or took away personal data, when and why. Written before it is shown, never altered. [O-5, O-7]"""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Access(models.TextChoices):
    SHOWN = "shown", "shown on pages for 15 minutes"
    FOUND = "found", "looked for one fan"
    EXPORTED = "exported", "downloaded"


class PersonalDataAccess(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=10, choices=Access)
    subject = models.CharField(max_length=300, blank=True, help_text="The file downloaded, or where the fan was looked for")
    reason = models.TextField()
    at = models.DateTimeField(auto_now_add=True)
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = "access to personal data"
        verbose_name_plural = "accesses to personal data"
        default_permissions = ("view",)
        constraints = [models.CheckConstraint(name="access_says_why", condition=~Q(reason=""))]

    def __str__(self) -> str:
        return f"access {self.pk}"
