"""What each act needs, declared once for its page and its command. [O-5, O-7]"""

from __future__ import annotations

MERGE = ("datalake.add_merge", "datalake.view_merge")
QUERY = ("datalake.query_lake",)
REPLAY = ("datalake.change_deadletter", "datalake.view_deadletter")
PARITY = ("datalake.add_merge", "datalake.view_parityresult")
SEE_LAKE = ("datalake.view_lakefile", "datalake.view_lakepartition", "datalake.view_merge")
