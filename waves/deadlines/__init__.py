"""By when each step of a wave has to begin, and the warnings of steps that are not done. [O-9]"""

from __future__ import annotations
