"""What the pages of the demand archive need beyond the others: harmless text, and an entry by its
name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from django import template
from django.db.models import QuerySet

from demand.archiving.deliveries import as_delivered
from demand.models import Delivery
from operations.adminkit.plaintext import visible

register = template.Library()
register.filter("visible", visible)


MOST_DELIVERIES = 100


@register.filter
def delivered(deliveries: QuerySet[Delivery]) -> str:
    """The first deliveries, a line each, in the shape of the source system. [D-9]"""
    return "\n".join(map(json.dumps, islice(as_delivered(deliveries), MOST_DELIVERIES)))


@register.filter
def entry(values: Mapping[str, Any], name: str) -> Any:
    return values[name]
