"""Counts of a wave's messages that are kept by blocks of its members. [N-7]"""

from __future__ import annotations

from django.db import models

from waves.models.waves import Wave

BLOCK: int = 500  # members by their ids; the triggers on waves_send have the same


class FigureBlock(models.Model):
    """What was counted of one block of a wave's members: a number for each part that
    `waves/figures/parts.py` names.
    """

    # no constraint: writing counts must wait for nobody who moves the wave
    wave = models.ForeignKey(
        Wave, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    block = models.BigIntegerField()
    counts = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="figureblock_once", fields=["wave", "block"]),
        ]

    def __str__(self) -> str:
        return f"block {self.block} of wave {self.wave_id}"


class FigureChange(models.Model):
    """Some messages of a block changed since it was counted. Triggers add such rows in the
    transaction that changes the messages, one a statement and block; nobody changes them, so no
    sender waits for another.
    """

    wave = models.ForeignKey(
        Wave, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    block = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["wave", "block"], name="figurechange_of_wave")]

    def __str__(self) -> str:
        return f"change in block {self.block} of wave {self.wave_id}"
