#!/usr/bin/env python
"""The door to every command: `python manage.py help`."""

from __future__ import annotations

import json
import os
import sys

from fairwave import embedded, env


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairwave.settings")
    try:
        _execute()
    except KeyboardInterrupt:  # before a command of ours could say so itself
        if "--json" in sys.argv:
            print(json.dumps({"error": "The command was stopped.", "stopped": True}))  # noqa: T201
        sys.exit(130)


def _execute() -> None:
    if not env.text("DATABASE_URL"):
        try:
            embedded.share(env.data_folder())
        except embedded.EmbeddedServerError as error:
            sys.exit(str(error))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
