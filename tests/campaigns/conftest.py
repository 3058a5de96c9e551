"""What the tests of campaigns share."""

from __future__ import annotations

import pytest

from operations import leases
from operations.models import Job
from operations.progress import Pace


@pytest.fixture
def steps(monkeypatch) -> list[tuple[str, Pace, int, int]]:
    """(step, pace, progress, total) as they stood when each step began."""
    begun: list[tuple[str, Pace, int, int]] = []
    real = leases.Lease.step

    def step(lease, name, **values):
        real(lease, name, **values)
        job = Job.objects.get(pk=lease.job_id)
        begun.append((name, Pace.from_json(job.pace), job.progress, job.total))

    monkeypatch.setattr(leases.Lease, "step", step)
    return begun
