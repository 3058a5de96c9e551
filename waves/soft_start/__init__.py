"""The first fans of a wave are notified before all others. [N-9]"""

from __future__ import annotations
