"""What the messages of waves add up to, counted by blocks and kept. [N-7]"""

from __future__ import annotations
