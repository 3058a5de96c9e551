"""A fan who is erased is taken out of the selected events, in DynamoDB too. [X-11]"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import transaction

from demand.models import SelectedEvents
from demand.selected_events import dynamodb
from operations.database.locks import exclusive


def forget(fan_id: str, *, touch: Callable[[int], object]) -> None:
    """First the item, then the row: killed in between, a repeat comes to the same. Nobody writes
    meanwhile, so no item comes back. `touch` is called with the number of rows, in the transaction
    that deletes them.

    Call it when nothing of the fan can be selected any more. Raises TableUnreachable, ItemRefused.
    """
    with exclusive(dynamodb.LOCK):
        found = SelectedEvents.objects.filter(global_user_id=fan_id)
        if found.exists() and settings.DEMAND_TABLE:
            dynamodb.the_table().forget(fan_id)
        with transaction.atomic():
            if count := found.count():
                touch(count)
                found.delete()
