"""Delete what is older than it is kept. [O-10]"""

from __future__ import annotations

from typing import Any

from operations.commands import JsonCommand
from operations.job_kinds import ADMINISTRATORS_RIGHT
from operations.retention import prune


class Command(JsonCommand):
    help = "Delete rows that are past their retention. A daily task does the same."
    permissions = (ADMINISTRATORS_RIGHT,)
    needs_person = False
    leaves_name = False

    def run(self, **options: Any) -> dict[str, Any]:
        job = prune.open_job()
        with self.watching(job.pk):
            return {"deleted": prune.run(job.pk)}
