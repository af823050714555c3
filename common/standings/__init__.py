"""Which runs there are, what each is worth, and what is suspicious about it."""

from common.standings.entry import Entry
from common.standings.page import listing
from common.standings.reading import competitions, entries_of

__all__ = ["Entry", "competitions", "entries_of", "listing"]
