"""What an approver is told of a wave, and what has changed since they last looked. [W-10, X-5]"""

from __future__ import annotations
