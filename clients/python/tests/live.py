"""Against a real server with the demonstration's world at TAPSTONE_URL: `python3 -m tests.live`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request
from typing import Any, Callable, List, Pattern

from tapstone import ApiError, AuthenticationError, ConflictError, ForbiddenError, InvalidRequestError, NotFoundError, Tapstone, TapstoneError, types

URL = os.environ.get("TAPSTONE_URL", "http://127.0.0.1:8080")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def demo(path: str, method: str = "GET") -> Any:
    with urllib.request.urlopen(urllib.request.Request(URL + path, method=method), timeout=5) as response:
        return json.load(response)


WORLD = demo("/demo/world")
SHOP = WORLD["merchants"][0]
MERCHANT = Tapstone(URL, SHOP["key"])
WALLET = Tapstone(URL, WORLD["wallets"][0]["token"])
COUNTERS = [tag["id"] for tag in SHOP["tags"] if tag["mode"] == "till"]
TAG = COUNTERS[0]


def touch(tag: str) -> str:
    return str(demo(f"/demo/tags/{tag}/touch", "POST")["url"])


def ask(amount: int = 1250) -> types.Order:
    return MERCHANT.orders.create(tag=TAG, amount={"amount": amount, "currency": "CNY"}, description="Two oolong teas")


def pay(order: types.Order) -> types.Payment:
    tap = WALLET.taps.open(url=touch(order.tag))
    return WALLET.payments.create(tap=tap.id)


def keep_paying(stop: threading.Event) -> None:
    """A shopper who pays every open order, and makes one where there is none."""
    first = next(iter(MERCHANT.tags.list())).id
    spare = next(tag for tag in COUNTERS if tag != first)
    while not stop.wait(0.4):
        waiting = MERCHANT.orders.list(status="open").page().data
        if not waiting:
            MERCHANT.orders.create(tag=spare, amount={"amount": 100, "currency": "CNY"})
        for order in waiting:
            try:
                pay(order)
            except TapstoneError:
                pass  # Somebody may have cancelled it meanwhile.


def empty_counters() -> None:
    """Whatever ran before may have left orders waiting."""
    for order in MERCHANT.orders.list(status="open"):
        MERCHANT.orders.cancel(order.id)


class LiveTest(unittest.TestCase):
    def setUp(self) -> None:
        empty_counters()

    def test_an_order_is_created_touched_paid_and_heard_of(self) -> None:
        heard: List[types.Event] = []

        def listen() -> None:
            for event in MERCHANT.events.listen():
                heard.append(event)
                if event.type == "payment.succeeded":
                    return

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        time.sleep(0.3)
        order = ask()
        self.assertEqual((order.status, order.amount), ("open", types.Money(amount=1250, currency="CNY")))
        payment = pay(order)
        paid = MERCHANT.orders.get(order.id)
        self.assertEqual((paid.status, paid.payment), ("paid", payment.id))
        listener.join(5)
        self.assertEqual([event.type for event in heard], ["order.created", "tap.accepted", "payment.succeeded"])
        self.assertIsInstance(heard[0].data, types.Order)
        self.assertIsInstance(heard[1].data, types.TapAccepted)
        self.assertIsInstance(heard[2].data, types.Payment)
        # The merchant is told what it sees, its fee included, which the wallet is not shown.
        self.assertEqual(heard[2].data, MERCHANT.payments.get(payment.id))

    def test_lists_are_read_on_to_their_end(self) -> None:
        made = [MERCHANT.orders.cancel(ask().id).id for _ in range(5)]
        found = [order.id for order in MERCHANT.orders.list(limit=2)]
        self.assertEqual(found[:5], made[::-1])
        self.assertEqual(len(set(found)), len(found))
        self.assertEqual(MERCHANT.merchants.get("me").name, SHOP["name"])

    def test_the_same_key_is_the_same_order(self) -> None:
        key = f"python-{time.time_ns()}"
        first = MERCHANT.orders.create(tag=TAG, currency="CNY", idempotency_key=key)
        self.assertEqual(MERCHANT.orders.create(tag=TAG, currency="CNY", idempotency_key=key).id, first.id)
        with self.assertRaises(ApiError) as raised:
            MERCHANT.orders.create(tag=TAG, currency="CNY", reference="x", idempotency_key=key)
        self.assertEqual(raised.exception.code, "idempotency_conflict")
        MERCHANT.orders.cancel(first.id)

    def test_an_amount_beyond_2_to_53_survives_to_the_unit(self) -> None:
        order = MERCHANT.orders.get(ask(9007199254740993).id)
        assert order.amount is not None
        self.assertEqual(order.amount.amount, 9007199254740993)
        with self.assertRaises(ConflictError) as raised:
            pay(order)
        self.assertEqual(raised.exception.code, "insufficient_funds")
        MERCHANT.orders.cancel(order.id)

    def test_refusals_have_their_classes_codes_and_fields(self) -> None:
        with self.assertRaises(InvalidRequestError) as raised:
            ask(0)
        self.assertEqual((raised.exception.code, raised.exception.field), ("invalid_field", "amount.amount"))
        self.assertRegex(raised.exception.request_id or "", "^req_")
        with self.assertRaises(NotFoundError):
            MERCHANT.orders.get("ord_01h455vb4pex5vsknk084sn02q")
        with self.assertRaises(ForbiddenError):
            WALLET.orders.list().page()
        with self.assertRaises(AuthenticationError):
            Tapstone(URL, "mk_nobody").orders.list().page()
        self.assertEqual(Tapstone(URL).operations.is_alive(), "ok\n")


class ReadmeTest(unittest.TestCase):
    def setUp(self) -> None:
        empty_counters()

    def test_the_examples_one_after_another(self) -> None:
        folder = pathlib.Path(__file__).parents[1]
        examples = re.findall(r"^```python\n(.*?)^```", (folder / "README.md").read_text(), re.M | re.S)
        self.assertGreaterEqual(len(examples), 6)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environment = {
            **os.environ,
            "TAPSTONE_URL": URL,
            "TAPSTONE_TOKEN": SHOP["key"],
            "TAPSTONE_WEBHOOK_SECRET": SECRET,
            "PORT": str(port),
            "PYTHONUNBUFFERED": "1",
        }
        stop = threading.Event()
        shopper = threading.Thread(target=keep_paying, args=[stop], daemon=True)
        shopper.start()
        program = subprocess.Popen([sys.executable, "-c", "\n".join(examples)], env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(program.communicate)
        self.addCleanup(program.kill)
        self.addCleanup(stop.set)
        said: List[str] = []
        assert program.stdout is not None
        threading.Thread(target=lambda lines: said.extend(lines), args=[program.stdout], daemon=True).start()
        until = time.monotonic() + 30

        def hear(pattern: str, meanwhile: Callable[[], object] = lambda: None) -> None:
            words: Pattern[str] = re.compile(pattern)
            while not any(words.search(line) for line in list(said)):
                if program.poll() is not None or time.monotonic() > until:
                    program.kill()
                    assert program.stderr is not None
                    self.fail(f"{pattern} was not said: {''.join(said)}{program.stderr.read()}")
                meanwhile()
                time.sleep(0.05)

        hear(r"^ord_\w+ waits at ")
        hear(r"^ord_\w+ is paid$")
        hear(r"^heard payment.succeeded$")
        stop.set()
        shopper.join()
        hear(r"^\d+ payments, ")
        hear(r"^pay_\w+ 1250 CNY$")
        hear(r"^400 invalid_field amount.amount req_\w+$")
        hear(r"^one order: True$")
        hear(r"^webhook 4711: order.created$", lambda: deliver(port, SECRET))
        self.assertEqual(deliver(port, "whsec_" + "A" * 32), 400)


def deliver(port: int, secret: str) -> int:
    """Posts a webhook; the status, or 0 where nobody listens yet."""
    body = b'{"id":"4711","type":"order.created","created_at":"2026-11-22T12:30:00.000Z","data":{}}'
    timestamp = str(int(time.time()))
    mac = hmac.new(base64.b64decode(secret[6:]), f"msg_1.{timestamp}.".encode() + body, hashlib.sha256).digest()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": "v1," + base64.b64encode(mac).decode()}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/", body, headers), timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
    except OSError:
        return 0


if __name__ == "__main__":
    unittest.main()
