"""The Tapstone payment platform's client library. See README.md."""

from __future__ import annotations

from typing import Optional

from . import _generated_types as types
from ._errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NoAnswerError,
    NotFoundError,
    RateLimitError,
    ServerError,
    TapstoneError,
)
from ._events import EventStream
from ._generated_resources import Resources
from ._listing import Listing
from ._resource import Resource
from ._transport import Transport
from ._webhooks import WebhookError, verify_webhook

__all__ = [
    "ApiError",
    "AuthenticationError",
    "ConflictError",
    "EventStream",
    "ForbiddenError",
    "InvalidRequestError",
    "Listing",
    "NoAnswerError",
    "NotFoundError",
    "RateLimitError",
    "Resource",
    "ServerError",
    "Tapstone",
    "TapstoneError",
    "WebhookError",
    "types",
    "verify_webhook",
]


class Tapstone(Resources):
    """A client of one platform, for one token. Holds no connection; threads may share it.

    `timeout` is how long one attempt may take, in seconds; `max_retries` is how often a request is repeated at most when
    no answer came or the server was busy.
    """

    def __init__(self, base_url: str, token: Optional[str] = None, *, timeout: float = 15.0, max_retries: int = 4) -> None:
        transport = Transport(base_url, token, timeout, max_retries)
        super().__init__(transport)
        self.base_url = transport.base_url
        """Where the platform is."""

    def __repr__(self) -> str:
        return f"Tapstone({self.base_url!r})"
