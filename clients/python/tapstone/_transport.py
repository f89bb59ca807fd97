"""One request, one answer.

Repeats what may be repeated: reads, deletions, and changes that carry an idempotency key, which stays the same over all
attempts, so that a retry never does a thing twice.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import random
import re
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ._errors import ApiError, NoAnswerError, TapstoneError, error_of
from ._events import EventStream
from ._listing import Listing
from ._resource import decode as decoded
from ._resource import to_plain

FIRST_WAIT = 0.25
LONGEST_WAIT = 8.0
# A server that asks for more patience than this gets its error passed on.
MOST_PATIENCE = 60.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Transport:
    """Sends requests to one platform with one token."""

    def __init__(
        self,
        base_url: str,
        token: Optional[str],
        timeout: float,
        max_retries: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = checked_base(base_url)
        self._token = checked_token(token)
        self._timeout = timeout
        self._max_retries = max_retries
        self._sleep = sleep
        self._opener = urllib.request.build_opener(_NoRedirects)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        body: Any = None,
        media_type: Optional[str] = None,
        idempotent: bool = False,
        idempotency_key: Optional[str] = None,
        answer: str,
        accept: str,
        timeout: Optional[float] = None,
        decode: Any = None,
    ) -> Any:
        """Asks until there is an answer, or no sense in asking again."""
        key = checked_key(idempotency_key or secrets.token_hex(16)) if idempotent else None
        retries = self._max_retries if method != "POST" or key is not None else 0
        request = self._request(method, path, query, body, media_type, accept, key)
        attempt = 0
        while True:
            attempt += 1
            try:
                content = self._once(request, timeout or self._timeout, f"{method} {path}", key)
                return answer_of(answer, content, decode, f"{method} {path}", key)
            except TapstoneError as error:
                # An earlier attempt has deleted it.
                if method == "DELETE" and attempt > 1 and isinstance(error, ApiError) and error.status == 404:
                    return None
                if attempt > retries or not may_pass(error):
                    raise
                self._sleep(wait_before(attempt, error))

    def list(self, method: str, path: str, *, query: Mapping[str, Any], **options: Any) -> Listing[Any, Any]:
        """A list that is read on from its last item."""

        def read(after: Optional[str]) -> Any:
            asked = dict(query) if after is None else {**query, "starting_after": after}
            return self.call(method, path, query=asked, **options)

        return Listing(read)

    def listen(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        answer: str,
        accept: str,
        last_event_id: Optional[str],
        decode: Any,
    ) -> EventStream[Any]:
        """A stream of events that comes back by itself."""

        def connect(last: Optional[str], silence: float) -> http.client.HTTPResponse:
            request = self._request(method, path, query, None, None, accept, None)
            if last is not None:
                request.add_unredirected_header("Last-Event-ID", last)
            return self._open(request, silence, f"{method} {path}", None)

        def read(data: str) -> Any:
            return decoded(decode, json.loads(data))

        def wait(attempt: int, error: Optional[Exception]) -> bool:
            if error is not None and not may_pass(error):
                return False
            self._sleep(wait_before(attempt, error))
            return True

        return EventStream(connect, read, wait, self._sleep, last_event_id)

    def _request(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, Any]],
        body: Any,
        media_type: Optional[str],
        accept: str,
        key: Optional[str],
    ) -> urllib.request.Request:
        headers: Dict[str, str] = {"User-Agent": "tapstone-python/0.1"}
        if accept:
            headers["Accept"] = f"{accept}, application/problem+json;q=0.9"
        if key is not None:
            headers["Idempotency-Key"] = key
        data: Optional[bytes] = None
        if media_type is not None and body is not None:
            headers["Content-Type"] = media_type
            if "json" in media_type:
                data = json.dumps(to_plain(body), ensure_ascii=False, allow_nan=False).encode()
            else:
                data = body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(self.base_url + path + query_of(query), data=data, headers=headers, method=method)
        if self._token is not None:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        return request

    def _once(self, request: urllib.request.Request, timeout: float, name: str, key: Optional[str]) -> bytes:
        until = time.monotonic() + timeout
        with self._open(request, timeout, name, key) as response:
            return read_all(response, until, name, key)

    def _open(self, request: urllib.request.Request, timeout: float, name: str, key: Optional[str]) -> http.client.HTTPResponse:
        until = time.monotonic() + timeout
        try:
            response: http.client.HTTPResponse = self._opener.open(request, timeout=timeout)
            return response
        except urllib.error.HTTPError as refused:
            with refused:
                raise problem_of(refused, until, name, key) from None
        except (OSError, http.client.HTTPException) as cause:
            raise NoAnswerError(f"no answer to {name}: {type(cause).__name__}", key) from cause


def read_all(response: Any, until: float, name: str, key: Optional[str]) -> bytes:
    """The whole body, in time. A body that is cut short is no answer."""
    chunks = []
    try:
        while True:
            chunk = response.read1(65536) if hasattr(response, "read1") else response.read(65536)
            if not chunk:
                break
            chunks.append(chunk)
            if time.monotonic() > until:
                raise NoAnswerError(f"no answer to {name}: too slow", key)
    except (OSError, http.client.HTTPException) as cause:
        raise NoAnswerError(f"no answer to {name}: {type(cause).__name__}", key) from cause
    content = b"".join(chunks)
    length = response.headers.get("Content-Length")
    if length is not None and length.isdigit() and len(content) < int(length):
        raise NoAnswerError(f"no answer to {name}: cut short", key)
    return content


def answer_of(answer: str, content: bytes, decode: Any, name: str, key: Optional[str]) -> Any:
    """The content as what the operation answers."""
    try:
        if answer == "json":
            return decoded(decode, json.loads(content))
        if answer == "text":
            return content.decode()
    except (ValueError, RecursionError) as cause:
        raise NoAnswerError(f"no answer to {name}: it cannot be read", key) from cause
    return content if answer == "bytes" else None


def problem_of(refused: urllib.error.HTTPError, until: float, name: str, key: Optional[str]) -> TapstoneError:
    """Reads a problem document; another page than that (a proxy's, say) has its status only."""
    members: Dict[str, Any] = {}
    try:
        content = json.loads(read_all(refused, until, name, key))
        if isinstance(content, dict):
            members = content
    except (ValueError, RecursionError, NoAnswerError):
        pass
    headers = refused.headers
    return error_of(refused.code, members, headers.get("Request-Id"), retry_after(headers.get("Retry-After")))


def may_pass(error: Exception) -> bool:
    """Whether the same request may get another answer later."""
    if isinstance(error, NoAnswerError):
        return True
    if not isinstance(error, ApiError):
        return False
    return (error.status >= 500 or error.status in (408, 429)) and (error.retry_after or 0) <= MOST_PATIENCE


def wait_before(attempt: int, error: Optional[Exception]) -> float:
    """How long to wait after an attempt (from 1): growing, with jitter, never less than the server asks for."""
    asked = (error.retry_after or 0) if isinstance(error, ApiError) else 0
    if asked > 0:
        return asked + random.random() * FIRST_WAIT
    grown: float = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 10))
    return grown * (0.5 + random.random() / 2)


def retry_after(header: Optional[str]) -> Optional[float]:
    """`Retry-After`, in seconds or as a date, in seconds from now."""
    if header is None:
        return None
    if re.fullmatch(r"\s*\d+\s*", header):
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def segment(value: str) -> str:
    """A path's part. An empty one, `.` and `..` would name another resource."""
    if value in ("", ".", ".."):
        raise TapstoneError(f"not an id: {value!r}")
    return urllib.parse.quote(value, safe="")


def query_of(query: Optional[Mapping[str, Any]]) -> str:
    """The query, with its question mark if there is any."""

    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    pairs: List[Tuple[str, str]] = []
    for name, value in (query or {}).items():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item is not None:
                pairs.append((name, text(item)))
    return "?" + urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote) if pairs else ""


def checked_base(base: str) -> str:
    """The base URL without its last slash."""
    parts = urllib.parse.urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise TapstoneError("base_url must be an http or https URL without user, query and fragment")
    return base.rstrip("/")


def checked_token(token: Optional[str]) -> Optional[str]:
    """The token, if it can be one."""
    if token is not None and not re.fullmatch(r"[!-~]+", token):
        raise TapstoneError("the token is empty or has characters that no token has")
    return token


def checked_key(key: str) -> str:
    """The idempotency key, if it can be one."""
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise TapstoneError("an idempotency key is 1 to 255 visible ASCII characters")
    return key
