"""Verifies webhooks as Standard Webhooks has them (HMAC-SHA256 over id, timestamp and body)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from typing import Iterable, Optional, Protocol, Sequence, Tuple, Union

from ._errors import TapstoneError
from ._generated_types import Event
from ._resource import decode


class WebhookError(TapstoneError):
    """The webhook is not what it should be: do not act on it."""


class Headers(Protocol):
    """A request's headers: a dictionary, or what the web framework has."""

    def items(self) -> Iterable[Tuple[str, str]]: ...


def verify_webhook(
    body: Union[bytes, str],
    headers: Headers,
    secrets: Union[str, Sequence[str]],
    *,
    tolerance: float = 300,
    now: Optional[float] = None,
) -> Event:
    """The event that a webhook carries.

    Raises `WebhookError` unless one of the signatures was made with one of the secrets (`whsec_…`; two while they are
    rotated) and the timestamp is within `tolerance` seconds of now. Give it the body as it came, byte for byte: JSON that
    was read and written again has another signature. Deliveries may come twice: go by the event's id.
    """
    found = {name.lower(): value for name, value in headers.items()}
    identifier, timestamp, signatures = (found.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not identifier or not timestamp or not signatures:
        raise WebhookError("the webhook has no id, timestamp or signature")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise WebhookError("the webhook's timestamp is not a number")
    if abs(int(time.time() if now is None else now) - int(timestamp)) > tolerance:
        raise WebhookError("the webhook's timestamp is too far from now")
    content = body.encode() if isinstance(body, str) else body
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    signed = f"{identifier}.{timestamp}.".encode() + content
    if not _is_signed(signed, signatures, [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]):
        raise WebhookError("no signature of the webhook is right")
    try:
        event: Event = decode(Event, json.loads(content))
    except (ValueError, RecursionError) as cause:
        raise WebhookError("the webhook is signed, and not JSON") from cause
    return event


def _is_signed(signed: bytes, signatures: str, expected: Sequence[bytes]) -> bool:
    """Compares in constant time; a wrong secret tries all signatures."""
    right = False
    for signature in signatures.split(" ")[:20]:
        version, _, encoded = signature.partition(",")
        if version != "v1":
            continue
        try:
            offered = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            continue
        for mac in expected:
            right = hmac.compare_digest(mac, offered) or right
    return right


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret[len("whsec_") :] if secret.startswith("whsec_") else secret, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise WebhookError("a webhook secret is whsec_ and base64") from None
    return key
