"""What the server that processes are forked from loads once: Django, and every command with all
that it imports. No connection is opened and no thread started.
"""

from __future__ import annotations

import django

django.setup()

from django.core.management import get_commands, load_command_class  # noqa: E402 after set-up

from tests.support import few_domains, garbage  # noqa: E402, F401 domains for their effect

OURS = {"campaigns", "console", "datalake", "demand", "operations", "stats", "waves"}

for _name, _app in get_commands().items():
    if _app.split(".")[0] in OURS:
        load_command_class(_app, _name)

garbage.look_among_new_objects_only()
