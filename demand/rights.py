"""What each act needs, declared once for its page and its command. [O-5, O-7]"""

from __future__ import annotations

ARCHIVE_EVENTS = ("demand.add_eventupload",)
