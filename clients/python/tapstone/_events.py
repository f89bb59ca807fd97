"""Server-sent events (the HTML standard, section 9.2)."""

from __future__ import annotations

import codecs
import http.client
from typing import Any, Callable, Generic, Iterable, Iterator, List, NamedTuple, Optional, TypeVar

from ._errors import TapstoneError

Event = TypeVar("Event")

# The server writes a comment every 15 seconds; a longer silence is a dead connection.
SILENCE = 40.0


class EventStream(Generic[Event]):
    """An endless iteration over events.

    It comes back after errors, refusals of a busy server and silences, and resumes after the last event heard. It ends
    when it is left (`break`) or when the server says that there is nothing more (204); what the caller must change is
    raised.
    """

    def __init__(
        self,
        connect: Callable[[Optional[str], float], http.client.HTTPResponse],
        read: Callable[[str], Any],
        wait: Callable[[int, Optional[Exception]], bool],
        sleep: Callable[[float], None],
        last_event_id: Optional[str],
    ) -> None:
        self._connect = connect
        self._read = read
        self._wait = wait
        self._sleep = sleep
        self._retry = 1.0
        self.last_event_id = last_event_id
        """The id of the last event heard: what to resume after."""

    def __iter__(self) -> Iterator[Event]:
        failures = 0
        while True:
            trouble: Optional[Exception] = None
            try:
                with self._connect(self.last_event_id, SILENCE) as response:
                    if response.status == 204:
                        return
                    for message in messages(_chunks(response)):
                        failures = 0
                        if message.retry is not None:
                            self._retry = message.retry
                        if message.id is not None:
                            self.last_event_id = message.id
                        if message.data:
                            event: Event = self._read(message.data)
                            yield event
            except (TapstoneError, OSError, http.client.HTTPException) as error:
                trouble = error
            failures += 1
            if failures == 1 and not isinstance(trouble, TapstoneError):
                self._sleep(self._retry)
            elif not self._wait(failures + 1, trouble if isinstance(trouble, TapstoneError) else None):
                assert trouble is not None
                raise trouble


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        chunk = response.read1(65536)
        if not chunk:
            return
        yield chunk


class Message(NamedTuple):
    """What an empty line ends."""

    type: str
    data: str
    id: Optional[str]
    retry: Optional[float]


def messages(chunks: Iterable[bytes]) -> Iterator[Message]:
    """Takes a stream apart into messages. What the stream's end cuts off is left out."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
    rest = ""
    lines: List[str] = []
    for chunk in chunks:
        rest += decoder.decode(chunk)
        # A carriage return at the end may be the first half of a line's end.
        held = "\r" if rest.endswith("\r") else ""
        complete = rest[: len(rest) - len(held)].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        rest = complete.pop() + held
        for line in complete:
            if line:
                lines.append(line)
            elif lines:
                yield _message(lines)
                lines = []


def _message(lines: List[str]) -> Message:
    kind, identifier, retry = "message", None, None
    data: List[str] = []
    for line in lines:
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "data":
            data.append(value)
        elif field == "event":
            kind = value
        elif field == "id" and "\0" not in value:
            identifier = value
        elif field == "retry" and value.isascii() and value.isdigit():
            retry = int(value) / 1000
    return Message(kind, "\n".join(data), identifier, retry)
