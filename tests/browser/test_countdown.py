"""Times until a wave is due, second by second, by the server's clock. [W-11]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from operations.adminkit.countdowns import until
from tests.support.waves import scheduled
from waves.models import Wave

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# later than the page's own, so it counts from here
NOW = datetime(2199, 1, 1, tzinfo=UTC)
SECONDS = (200_000, 86_400, 86_399, 7_500, 3_600, 61, 60, 1, 0.4, 0, -0.6, -1, -59, -125, -7_201)
SAY = """([now, dues]) => {
  for (const due of dues) {
    const time = document.createElement("time");
    Object.assign(time.dataset, { due, now, past: "late", made: "here" });
    document.body.append(time);
  }
  document.dispatchEvent(new Event("htmx:afterSettle"));
  return [...document.querySelectorAll("[data-made]")].map((time) => time.textContent);
}"""


def test_w11_a_due_wave_counts_by_the_second_though_the_machines_clock_is_wrong(sign_in):
    wave = scheduled()
    anna = sign_in("operator")
    anna.page.add_init_script("const now = Date.now; Date.now = () => now() + 5 * 3600 * 1000")
    Wave.objects.filter(pk=wave.pk).update(notify_date=timezone.now() + timedelta(seconds=4))
    page = anna.go(f"/admin/wave/{wave.name}/")
    shown = page.locator(".fw-next time[data-due]")
    for text in ("in 1 s", "due now", "1 s late", "2 s late"):
        expect(shown).to_have_text(text, timeout=60_000)

    dues = [NOW + timedelta(seconds=seconds) for seconds in SECONDS]
    said = page.evaluate(SAY, [NOW.isoformat(), [due.isoformat() for due in dues]])
    assert said == [until(due, NOW, past="late") for due in dues]
