"""A suspicious group goes on the campaign's blacklist. [X-13, S-4]

A list holds addresses and domains. So a rare domain goes on it as `@domain`, and of any other group
the addresses of its fans do; phones, and fans without an address, cannot be on a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from campaigns import list_changes
from campaigns.choices import READ_ONLY, ListKind, SuspiciousKind
from campaigns.errors import NothingToList
from campaigns.fairness.suspicious.groups import ...
