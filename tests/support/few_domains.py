"""Of the ten thousand disposable domains of the package a few: the rules of a score file hold them
all, and are written, read and hashed at each of its steps. Imported before the first rules are
made, by the tests and by the processes that they start. A test that asks for all takes the fixture
`all_packaged_domains`.
"""

from __future__ import annotations

import disposable_email_domains

ALL = frozenset(disposable_email_domains.blocklist)
FEW = frozenset(sorted(ALL)[::200]) | {"mailinator.com", "0-mail.com"}

disposable_email_domains.blocklist = set(FEW)
