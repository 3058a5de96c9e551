"""A sender as a process of its own, to be killed: `python -m tests.faults.send_in_process
'{"database": …, "wave": …, …}'`.
"""

from __future__ import annotations

import json
import os
import sys

import django
from django.conf import settings


def main(asked: dict) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairwave.settings")
    settings.DATABASES["default"]["NAME"] = asked["database"]
    django.setup()
    from waves.sending.accounts import Limits
    from waves.sending.run import Timing
    from waves.sending.send_wave import send_wave

    timing = Timing(timeout=1.0, check_every=0.1, row_lease=3.0)
    settings.SMS_URL, settings.SMS_HONOURS_KEYS = asked["url"], asked["honours_keys"]
    limits = Limits(asked["per_second"], asked["concurrency"])
    report = send_wave(asked["wave"], limits=limits, timing=timing)
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
