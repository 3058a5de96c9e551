"""The entry point for the web server: `granian --interface wsgi fairwave.wsgi:application`."""

from __future__ import annotations

import os

from fairwave import embedded, env

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fairwave.settings")
if not env.text("DATABASE_URL"):
    embedded.share(env.data_folder())

from django.core.wsgi import get_wsgi_application

from fairwave import checks
from operations.entry.requests import SiteRequest

application = get_wsgi_application()
application.request_class = SiteRequest
checks.stop_if_wrong()
