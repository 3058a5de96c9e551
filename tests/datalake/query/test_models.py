"""What the database allows of a query's row. [L-8]"""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from datalake.query.models import LakeQuery
from tests.support.people import staff

pytestmark = pytest.mark.django_db


def test_only_a_query_that_is_done_has_an_answer():
    query = LakeQuery.objects.create(sql="SELECT 1", by=staff("ana"))
    with pytest.raises(IntegrityError), transaction.atomic():
        LakeQuery.objects.filter(pk=query.pk).update(answer=b"x")
    LakeQuery.objects.filter(pk=query.pk).update(answer=b"x", state="done")
