"""The project: settings, addresses, checks, and the embedded PostgreSQL.

Every process of ours imports this package before it writes anything. From here on its files are
readable by its own user alone (0600, folders 0700), whatever the umask it was started with. [O-7]
"""

from __future__ import annotations

import os

OWNER_ONLY = 0o077  # the bits of group and others

os.umask(OWNER_ONLY)
