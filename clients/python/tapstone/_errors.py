"""What can go wrong. No error carries a token."""

from __future__ import annotations

from typing import Any, Mapping, Optional


class TapstoneError(Exception):
    """Anything that this library raises."""


class NoAnswerError(TapstoneError):
    """No answer came: whether the request was carried out is not known. The same idempotency key asks again safely."""

    def __init__(self, message: str, idempotency_key: Optional[str] = None) -> None:
        super().__init__(message)
        self.idempotency_key = idempotency_key
        """The key that the request carried; None where it takes none."""


class ApiError(TapstoneError):
    """The server answered, and refused or failed (RFC 9457). Programs go by `code`."""

    def __init__(self, status: int, members: Mapping[str, Any], request_id: Optional[str], retry_after: Optional[float]) -> None:
        def word(name: str) -> Optional[str]:
            value = members.get(name)
            return value if isinstance(value, str) else None

        self.status = status
        self.code: str = word("code") or "unknown"
        self.title: str = word("title") or ""
        self.detail: str = word("detail") or ""
        self.field = word("field")
        """The part of the request that is at fault."""
        self.request_id = word("request_id") or request_id
        self.retry_after = retry_after
        """How long the server asks to wait, in seconds."""
        self.members = dict(members)
        """The whole document, with what is particular to its code."""
        where = f" ({self.field})" if self.field else ""
        super().__init__(f"{self.code}{where}: {self.detail or self.title or f'status {status}'}")


class InvalidRequestError(ApiError):
    """The request itself is wrong: 400, 413, 415, 422 and the like."""


class AuthenticationError(ApiError):
    """401: there is no token, or it is not known."""


class ForbiddenError(ApiError):
    """403: this token may not do this."""


class NotFoundError(ApiError):
    """404 and 410."""


class ConflictError(ApiError):
    """402 and 409: well said, and not possible as things are."""


class RateLimitError(ApiError):
    """429: too many requests, and still so after all retries."""


class ServerError(ApiError):
    """5xx, and still so after all retries. Whether the request was carried out is not known after a 500."""


_BY_STATUS = {
    401: AuthenticationError,
    402: ConflictError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    429: RateLimitError,
}


def error_of(status: int, members: Mapping[str, Any], request_id: Optional[str], retry_after: Optional[float]) -> ApiError:
    """The error of a problem's status."""
    kind = ServerError if status >= 500 else _BY_STATUS.get(status, InvalidRequestError)
    return kind(status, members, request_id, retry_after)
