from __future__ import annotations

import base64
import hashlib
import hmac
import json
import pathlib
import time
import unittest
from typing import Dict

from tapstone import WebhookError, verify_webhook

VECTORS = pathlib.Path(__file__).parents[3] / "tests" / "vectors" / "signature_vectors.json"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"id":"evt_1","type":"x","created_at":"","data":{"amount":{"amount":9007199254740993,"currency":"JPY"}}}'


def signed(now: float, body: str = BODY) -> Dict[str, str]:
    mac = hmac.new(base64.b64decode(SECRET[6:]), f"msg_1.{int(now)}.{body}".encode(), hashlib.sha256).digest()
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(now)), "webhook-signature": "v1," + base64.b64encode(mac).decode()}


class WebhookTest(unittest.TestCase):
    def test_every_row_of_the_vectors(self) -> None:
        rows = json.loads(VECTORS.read_text())["standard_webhooks"]
        self.assertGreaterEqual(len(rows), 5)
        for row in rows:
            headers = {"Webhook-Id": row["id"], "webhook-timestamp": row["timestamp"], "WEBHOOK-SIGNATURE": row["signature"]}
            now = float(row["timestamp"])
            with self.subTest(row["name"]):
                if row["valid"]:
                    verify_webhook(row["body"], headers, row["secret"], now=now)
                else:
                    with self.assertRaises(WebhookError):
                        verify_webhook(row["body"], headers, row["secret"], now=now)
                headers["WEBHOOK-SIGNATURE"] = row["library_signature"]
                verify_webhook(row["body"].encode(), headers, row["secret"], now=now)

    def test_the_event_is_read_exactly(self) -> None:
        event = verify_webhook(BODY, signed(time.time()), SECRET)
        self.assertEqual(event.to_dict()["data"], {"amount": {"amount": 9007199254740993, "currency": "JPY"}})

    def test_while_secrets_are_rotated_either_is_right_and_no_other_is(self) -> None:
        other = "whsec_" + base64.b64encode(b"7" * 24).decode()
        verify_webhook(BODY, signed(time.time()), [other, SECRET])
        for wrong in ([other], []):
            with self.assertRaises(WebhookError):
                verify_webhook(BODY, signed(time.time()), wrong)

    def test_five_minutes_either_way_and_no_more(self) -> None:
        for seconds in (-300, 300):
            verify_webhook(BODY, signed(1_700_000_000 + seconds), SECRET, now=1_700_000_000)
        for seconds in (-301, 301):
            with self.assertRaises(WebhookError):
                verify_webhook(BODY, signed(1_700_000_000 + seconds), SECRET, now=1_700_000_000)

    def test_what_is_missing_malformed_or_not_json_is_refused(self) -> None:
        whole = signed(time.time())
        wrongs = [{**whole, name: ""} for name in whole]
        wrongs += [{**whole, "webhook-signature": text} for text in ("v1", "v1,", "v1,***", "v2,AAAA", "v1,AAAA v1,!!", "v1,ü")]
        wrongs.append({**whole, "webhook-timestamp": "1e9"})
        for wrong in wrongs:
            with self.subTest(wrong), self.assertRaises(WebhookError):
                verify_webhook(BODY, wrong, SECRET)
        with self.assertRaises(WebhookError):
            verify_webhook("<html>", signed(time.time(), "<html>"), SECRET)
        for secret in ("", "whsec_", "whsec_***"):
            with self.assertRaises(WebhookError):
                verify_webhook(BODY, whole, secret)
