"""Who was erased, and what of it is under way. [X-11]"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ErasureKey(models.Model):
    """The key of the hashes by which erased fans are known, made with the first erasure and never
    replaced: without it everybody who was erased could come back. One row. [X-11]
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    key = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(name="erasurekey_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return "key of the erasures"


class ErasedFan(models.Model):
    """A fan who was erased, by a keyed hash of their id, so that nothing older brings them back.
    [X-11]
    """

    digest = models.CharField(max_length=64, primary_key=True, help_text="HMAC-SHA256 of the id")
    erased_at = models.DateTimeField(
        db_default=Now(), help_text="When the last erasure began; what is older does not come back"
    )
    times = models.PositiveIntegerField(help_text="How often the fan was erased")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"erased fan {self.digest[:8]}"


class LakeRewrite(models.Model):
    """What a file of the lake is to hold without an erased fan, noted before its object is
    replaced: who finds it after a death knows how far that came. It is deleted with the entry.
    [X-11]
    """

    file = models.OneToOneField("datalake.LakeFile", on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    content_hash = models.CharField(max_length=64)
    days = models.JSONField(help_text="By UTC day: records, and their content hashes")
    identities = models.JSONField(help_text="Of each record, before and after")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"new content of file {self.file_id}"
