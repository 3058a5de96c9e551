"""A command as a process of its own, to be killed: `python -m tests.support.run_command
'{"database": …}' NAME ARGUMENT …`.

It works on a test's database and buckets. `block_bytes` makes a small score file one of many
chunks.
"""

from __future__ import annotations

import json
import os
import sys

import django
from django.conf import settings
from django.core.management import call_command


def main(asked: dict, arguments: list[str]) -> None:
    set_up(asked)
    from campaigns.formats import score_rows
    from campaigns.scoring import publishing

    score_rows.read_chunks.__defaults__ = (asked["block_bytes"],)
    publishing.RECORDS_AT_A_TIME = 2_500
    call_command(*arguments)


def set_up(asked: dict) -> None:
    """Django on the test's `database`, with the buckets in the folder `buckets`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairwave.settings")
    settings.DATABASES["default"]["NAME"] = asked["database"]
    settings.STORAGES |= {
        name: {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": f"{asked['buckets']}/{name}"},
        }
        for name in ("scoring", "campaign-data")
    }
    from pathlib import Path

    settings.FAIRWAVE_DATA = Path(asked["buckets"])
    django.setup()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
