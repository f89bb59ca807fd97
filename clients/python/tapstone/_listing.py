"""Lists that are read in parts."""

from __future__ import annotations

from typing import Any, Callable, Generic, Iterator, Optional, TypeVar

Page = TypeVar("Page")
Item = TypeVar("Item")


class Listing(Generic[Page, Item]):
    """Iterated it is all of its items, part after part; `page()` is its first part. Nothing is asked before that."""

    def __init__(self, read: Callable[[Optional[str]], Any]) -> None:
        self._read = read

    def page(self) -> Page:
        """The first part."""
        part: Page = self._read(None)
        return part

    def __iter__(self) -> Iterator[Item]:
        after: Optional[str] = None
        while True:
            part = self._read(after)
            yield from part.data
            last = getattr(part.data[-1], "id", None) if part.data else None
            # A list that does not move on would be read for ever.
            if not part.has_more or not isinstance(last, str) or last == after:
                return
            after = last
