"""The counters of a wave that is being sent, as the page shows them. [N-6, N-7]"""

import time
from typing import Any

from django.db.models import Sum

from console import charts
from waves import results
from waves.choices import WaveState
from waves.models import Sender, SendResult, Wave


def counters(wave: Wave, since: tuple[float, int] | None) -> dict[str, Any]:
    """N-7's counts, the number in flight, a bar, and messages a second since the page looked last.

    A completed wave's counts are the saved ones; they are not counted again.
    """
    counts = _counts(wave)
    total, settled = counts["total"], counts["total"] - counts["pending"]
    now = time.time()
    rate = max(0.0, (settled - since[1]) / max(now - since[0], 0.1)) if since else None
    parts = [("good", counts["ok"]), ("bad", counts["failed"]), ("warn", counts["unknown"]), ("soft", counts["skipped"])]
    label = ", ".join(f"{counts[name]} {name}" for name in ("ok", "failed", "unknown", "skipped", "pending"))
    return {
        **counts,
        "in_flight": Sender.objects.filter(wave=wave).aggregate(n=Sum("in_flight"))["n"] or 0,
        "bar": charts.progress(parts, total, label),
        "share": charts.share(settled, total),
        "rate": round(rate) if rate is not None else None,
        "seconds_left": counts["pending"] / rate if rate else None,
        "at": f"{now:.2f}",
        "settled": settled,
    }


def _counts(wave: Wave) -> dict[str, Any]:
    saved = SendResult.objects.filter(wave=wave).first() if wave.state == WaveState.COMPLETED else None
    if saved is None:
        return results.result(wave.pk)
    names = ("total", "ok", "failed", "skipped", "unknown", "pending", "detail")
    return {name: getattr(saved, name) for name in names}
