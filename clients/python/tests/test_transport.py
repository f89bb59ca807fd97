from __future__ import annotations

import time
import unittest
from typing import Any, List, Tuple, Type

from tapstone import (
    ApiError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NoAnswerError,
    NotFoundError,
    RateLimitError,
    ServerError,
    Tapstone,
    TapstoneError,
    types,
)
from tapstone._transport import Transport, retry_after, wait_before

from .fake import Asked, Turn, answer, cut, drip, drop, fake_server, problem, silence

TOKEN = "mk_very_secret"
CREATED = answer('{"id":"ord_1","status":"open","amount":{"amount":9007199254740993,"currency":"JPY"}}', 201)


class TransportTest(unittest.TestCase):
    def client(self, *turns: Turn, **options: Any) -> Tuple[Tapstone, List[Asked]]:
        base, asked = fake_server(self, *turns)
        return Tapstone(base + "/", TOKEN, **options), asked

    def create(self, tapstone: Tapstone, **options: Any) -> types.Order:
        return tapstone.orders.create(tag="tag_1", amount={"amount": 9007199254740993, "currency": "JPY"}, **options)

    def test_a_request_carries_what_it_should(self) -> None:
        tapstone, asked = self.client(CREATED)
        order = self.create(tapstone)
        assert order.amount is not None
        self.assertEqual(order.amount.amount, 9007199254740993)
        self.assertIsInstance(order.amount, types.Money)
        self.assertEqual((asked[0].method, asked[0].url), ("POST", "/v1/orders"))
        self.assertEqual(asked[0].headers["authorization"], f"Bearer {TOKEN}")
        self.assertEqual(asked[0].headers["content-type"], "application/json")
        self.assertRegex(asked[0].headers["idempotency-key"], "^[0-9a-f]{32}$")
        self.assertEqual(asked[0].body, '{"amount": {"amount": 9007199254740993, "currency": "JPY"}, "tag": "tag_1"}')

    def test_an_object_can_be_given_where_a_dictionary_can(self) -> None:
        tapstone, asked = self.client(CREATED)
        tapstone.orders.create(tag="tag_1", amount=types.Money(amount=5, currency="CNY"))
        self.assertIn('"amount": {"amount": 5, "currency": "CNY"}', asked[0].body)

    def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_body(self) -> None:
        tapstone, asked = self.client(drop, cut, answer("<html>"), CREATED)
        self.assertEqual(self.create(tapstone).id, "ord_1")
        self.assertEqual(len(asked), 4)
        self.assertEqual(len({(one.headers["idempotency-key"], one.body) for one in asked}), 1)

    def test_two_calls_have_two_keys_and_a_callers_own_is_kept(self) -> None:
        tapstone, asked = self.client(CREATED)
        self.create(tapstone)
        self.create(tapstone)
        self.create(tapstone, idempotency_key="order-7")
        keys = [one.headers["idempotency-key"] for one in asked]
        self.assertNotEqual(keys[0], keys[1])
        self.assertEqual(keys[2], "order-7")
        with self.assertRaises(TapstoneError):
            self.create(tapstone, idempotency_key="two words")

    def test_a_busy_server_is_asked_again_not_before_retry_after(self) -> None:
        tapstone, asked = self.client(problem(503, "overloaded", {"Retry-After": "1"}), problem(500, "internal"), CREATED)
        start = time.monotonic()
        self.assertEqual(self.create(tapstone).id, "ord_1")
        self.assertGreaterEqual(time.monotonic() - start, 1)
        self.assertEqual(len(asked), 3)

    def test_a_decision_is_not_asked_for_twice(self) -> None:
        kinds: List[Tuple[int, Type[ApiError]]] = [
            (400, InvalidRequestError),
            (401, AuthenticationError),
            (402, ConflictError),
            (404, NotFoundError),
            (409, ConflictError),
            (422, InvalidRequestError),
        ]
        for status, kind in kinds:
            tapstone, asked = self.client(problem(status, "some_code", field="amount.currency", order="ord_9"))
            with self.assertRaises(kind) as raised:
                self.create(tapstone)
            error = raised.exception
            self.assertEqual((error.status, error.code, error.field, error.request_id), (status, "some_code", "amount.currency", "req_1"))
            self.assertEqual(error.members["order"], "ord_9")
            self.assertEqual(len(asked), 1)

    def test_after_the_last_retry_the_error_is_the_servers_own(self) -> None:
        tapstone, asked = self.client(problem(429, "rate_limited"), max_retries=2)
        with self.assertRaises(RateLimitError):
            tapstone.orders.get("ord_1")
        self.assertEqual(len(asked), 3)
        tapstone, _ = self.client(answer("<html>Bad gateway</html>", 502, {"Request-Id": "req_2"}), max_retries=0)
        with self.assertRaises(ServerError) as raised:
            tapstone.orders.get("ord_1")
        self.assertEqual((raised.exception.code, raised.exception.request_id), ("unknown", "req_2"))
        tapstone, asked = self.client(problem(503, "overloaded", {"Retry-After": "3600"}))
        with self.assertRaises(ServerError):
            tapstone.orders.get("ord_1")
        self.assertEqual(len(asked), 1)

    def test_too_slow_is_no_answer_and_says_which_key_to_ask_again_with(self) -> None:
        tapstone, asked = self.client(silence, drip, timeout=0.1, max_retries=1)
        start = time.monotonic()
        with self.assertRaises(NoAnswerError) as raised:
            self.create(tapstone)
        self.assertLess(time.monotonic() - start, 2)
        self.assertEqual(len(asked), 2)
        self.assertEqual(raised.exception.idempotency_key, asked[0].headers["idempotency-key"])

    def test_a_post_without_a_key_is_never_repeated_and_a_delete_that_was_done_is_done(self) -> None:
        base, asked = fake_server(self, drop, problem(404, "not_found"))
        with self.assertRaises(NoAnswerError):
            Transport(base, TOKEN, 5, 4).call("POST", "/x", answer="json", accept="")
        self.assertEqual(len(asked), 1)
        base, asked = fake_server(self, drop, problem(404, "not_found"))
        Transport(base, TOKEN, 5, 4).call("DELETE", "/x", answer="nothing", accept="")
        self.assertEqual(len(asked), 2)

    def test_text_bytes_and_nothing(self) -> None:
        base, asked = fake_server(self, answer("a;b\n"))
        transport = Transport(base, TOKEN, 5, 4)
        self.assertEqual(transport.call("GET", "/x", answer="text", accept="text/csv"), "a;b\n")
        self.assertEqual(transport.call("GET", "/x", answer="bytes", accept="text/csv"), b"a;b\n")
        self.assertIsNone(transport.call("GET", "/x", answer="nothing", accept=""))
        transport.call("POST", "/x", body="a,b\n", media_type="text/csv", answer="text", accept="")
        self.assertEqual((asked[-1].body, asked[-1].headers["content-type"]), ("a,b\n", "text/csv"))

    def test_the_token_is_nowhere_but_in_its_header(self) -> None:
        tapstone, _ = self.client(problem(401, "unauthenticated"), drop, max_retries=0)
        for _turn in range(2):
            with self.assertRaises(TapstoneError) as raised:
                tapstone.orders.get("ord_1")
            self.assertNotIn("secret", repr(raised.exception) + str(raised.exception) + repr(raised.exception.__dict__))
        self.assertNotIn("secret", repr(tapstone))
        for wrong in ("mk_secret\r\nX: y", "mk_secret ", ""):
            with self.assertRaises(TapstoneError) as raised:
                Tapstone("http://x", wrong)
            self.assertNotIn("secret", str(raised.exception))

    def test_ids_cannot_leave_their_place_and_addresses_carry_no_secrets(self) -> None:
        tapstone, asked = self.client(CREATED)
        tapstone.orders.get("../payments?x=1")
        self.assertEqual(asked[0].url, "/v1/orders/..%2Fpayments%3Fx%3D1")
        for wrong in ("", ".", ".."):
            with self.assertRaises(TapstoneError):
                tapstone.orders.get(wrong)
        for wrong in ("pay.example", "ftp://x", "http://me:secret@x", "http://x/?a=b"):
            with self.assertRaises(TapstoneError):
                Tapstone(wrong)

    def test_a_redirect_is_not_followed(self) -> None:
        other, asked = fake_server(self, CREATED)
        tapstone, _ = self.client(answer("", 302, {"Location": other}))
        with self.assertRaises(TapstoneError):
            tapstone.orders.get("ord_1")
        self.assertEqual(asked, [])

    def test_a_list_reads_on(self) -> None:
        first = answer('{"data":[{"id":"ord_3"},{"id":"ord_2"}],"has_more":true}')
        tapstone, asked = self.client(first, drop, answer('{"data":[{"id":"ord_1"}],"has_more":false}'))
        orders = tapstone.orders.list(limit=2, status="open")
        self.assertEqual([order.id for order in orders], ["ord_3", "ord_2", "ord_1"])
        self.assertEqual([one.url.partition("&status=open")[2] for one in asked], ["", "&starting_after=ord_2", "&starting_after=ord_2"])
        self.assertEqual(len(tapstone.orders.list().page().data), 1)

    def test_a_list_that_does_not_move_on_is_not_read_for_ever(self) -> None:
        tapstone, asked = self.client(answer('{"data":[{"id":"ord_1"}],"has_more":true}'))
        self.assertEqual(len(list(tapstone.orders.list())), 2)
        self.assertEqual(len(asked), 2)

    def test_words_and_fields_that_are_not_known_yet_come_through(self) -> None:
        tapstone, _ = self.client(answer('{"id":"ord_1","status":"levitating","shape":{"size":5},"self":1}'))
        order = tapstone.orders.get("ord_1")
        self.assertEqual(order.status, "levitating")
        self.assertEqual(order["shape"].size, 5)
        self.assertEqual(order.to_dict(), {"id": "ord_1", "status": "levitating", "shape": {"size": 5}, "self": 1})

    def test_waits_grow_and_never_undercut_retry_after(self) -> None:
        for attempt, most in ((1, 0.25), (2, 0.5), (3, 1.0), (20, 8.0)):
            self.assertTrue(most / 2 <= wait_before(attempt, None) <= most)
        self.assertGreaterEqual(wait_before(1, RateLimitError(429, {}, None, 2.0)), 2)
        self.assertEqual(retry_after("2"), 2)
        self.assertIsNone(retry_after("soon"))
        self.assertEqual(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), 0)
