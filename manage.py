#!/usr/bin/env python
"""The door to every command: `python manage.py help`."""

from __future__ import annotations

import os
import sys

from fairwave import embedded, env


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairwave.settings")
    if not env.text("DATABASE_URL"):
        try:
            embedded.share(env.data_folder())
        except embedded.EmbeddedServerError as error:
            sys.exit(str(error))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
