from __future__ import annotations

import unittest

from tapstone import ForbiddenError, Tapstone
from tapstone._events import Message, messages

from .fake import answer, drop, fake_server, problem, stream

GONE = answer("", 204)


def event(identifier: str) -> str:
    return f'id: {identifier}\nevent: x\ndata: {{"id":"{identifier}","type":"x","created_at":"","data":{{"amount":9007199254740993}}}}\n\n'


class EventsTest(unittest.TestCase):
    def test_it_resumes_after_the_last_event_through_drops_and_refusals(self) -> None:
        turns = [
            stream("retry: 10\n\n", event("1"), ":\n\n", event("2")),
            drop,
            problem(503, "overloaded"),
            stream(event("3"), "id: 4\ndata: cut o"),
            GONE,
        ]
        base, asked = fake_server(self, *turns)
        events = Tapstone(base, "mk_1").events.listen(last_event_id="0")
        heard = list(events)
        self.assertEqual([one.id for one in heard], ["1", "2", "3"])
        self.assertEqual(heard[0].to_dict()["data"], {"amount": 9007199254740993})
        self.assertEqual([one.headers.get("last-event-id") for one in asked], ["0", "2", "2", "2", "3"])
        self.assertEqual(asked[0].headers["authorization"], "Bearer mk_1")
        self.assertEqual(events.last_event_id, "3")

    def test_what_the_caller_must_change_is_raised(self) -> None:
        base, _ = fake_server(self, problem(403, "forbidden"))
        with self.assertRaises(ForbiddenError):
            next(iter(Tapstone(base, "mk_1").events.listen()))

    def test_streams_are_taken_apart_as_the_standard_says_however_they_are_cut(self) -> None:
        text = "\ufeffdata: a\r\ndata:b\r\n\r\nid: 1\0\nid:2\nevent: x\ndata: ü\n\n: comment\n\nretry: 5\nretry: soon\n\ndata\n\nid: 9\ndata: unfinished\n"
        content = text.encode()
        expected = [
            Message("message", "a\nb", None, None),
            Message("x", "ü", "2", None),
            Message("message", "", None, None),
            Message("message", "", None, 0.005),
            Message("message", "", None, None),
        ]
        for size in (1, 2, 3, 7, len(content)):
            chunks = [content[start : start + size] for start in range(0, len(content), size)]
            self.assertEqual(list(messages(chunks)), expected, f"in parts of {size}")
