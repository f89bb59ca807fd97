"""What schemathesis cannot know by itself: what exists, what a format means, and what would end the run.

A generated id that is well formed is mostly replaced by one that exists, of the same kind: what the fuzzer makes is as
good as any, and one that exists leads further than to 404."""

import json
import os
import re
import threading
import urllib.request
import zlib

import schemathesis
from hypothesis import strategies as st

ID = re.compile(r"([a-z]{2,4})_[0-7][0-9a-hjkmnp-tv-z]{25}")
WORLD = json.loads(os.environ["API_FUZZ_WORLD"])
BASE = os.environ["API_FUZZ_BASE"]

# The most ids of one kind: newer ones take the places of older ones.
MOST = 64

lock = threading.Lock()
known: dict[str, list[str]] = {}


def learn(text: str) -> None:
    with lock:
        for found in ID.finditer(text):
            likes = known.setdefault(found.group(1), [])
            if found.group() not in likes and found.group() not in WORLD["kept_keys"]:
                likes.append(found.group())
                del likes[:-MOST]


learn(json.dumps(WORLD["ids"]))


def real(value: str) -> str:
    """In three cases of four an id that exists; which one follows from the generated one."""
    found = ID.fullmatch(value)
    likes = known.get(found.group(1)) if found else None
    number = zlib.crc32(value.encode())
    return likes[number // 4 % len(likes)] if likes and number % 4 else value


def with_real_ids(value):
    if isinstance(value, str):
        return real(value)
    if isinstance(value, list):
        return [with_real_ids(item) for item in value]
    if isinstance(value, dict):
        return {name: with_real_ids(item) for name, item in value.items()}
    return value


@schemathesis.hook
def map_case(context, case):
    operation = case.operation.definition.raw.get("operationId")
    case.path_parameters = with_real_ids(case.path_parameters)
    case.query = with_real_ids(case.query)
    case.body = with_real_ids(case.body)
    positive = case.meta is None or case.meta.generation.mode.is_positive
    if positive and operation in REPAIRS:
        REPAIRS[operation](case)
    return case


def touch(case) -> None:
    """A touch is signed, so nobody can make one up."""
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("url"), str) and zlib.crc32(body["url"].encode()) % 4:
        tag = WORLD["tags"][zlib.crc32(body["url"].encode()) // 4 % len(WORLD["tags"])]
        request = urllib.request.Request(f"{BASE}/demo/tags/{tag}/touch", method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            body["url"] = json.load(response)["url"]


def import_either_way(case) -> None:
    """OpenAPI has no words for parameters that belong to one of two kinds of body."""
    if case.media_type == "text/csv":
        case.query = {**(case.query or {}), "kind": (case.query or {}).get("kind", "stores")}
    elif isinstance(case.query, dict):
        case.query = {}


REPAIRS = {"openTap": touch, "createImport": import_either_way}


@schemathesis.hook
def before_call(context, case, kwargs) -> None:
    """Nobody saws off the branch that they sit on: that would leave nothing but 401 and 409 for the rest of the run."""
    path = case.path_parameters or {}
    if case.path.startswith("/v1/keys/{id}/") and path.get("id") in WORLD["kept_keys"]:
        path["id"] = "key_01h455vb4pex5vsknk084sn02q"
    if case.path == "/v1/merchants/{id}" and path.get("id") == WORLD["kept_merchant"] and isinstance(case.body, dict):
        case.body.pop("status", None)


@schemathesis.hook
def after_call(context, case, response) -> None:
    learn(response.text if len(response.content) < 100_000 else "")


# Registers that a pattern cannot hold: some of their entries.
FORMATS = {
    "currency": ["CNY", "EUR", "JPY", "USD", "KWD", "AED", "CLP", "ISK"],
    "country-code": ["CN", "IT", "JP", "AE", "DE", "FR", "SG", "US"],
    "merchant-category-code": ["5814", "5812", "5411", "5942", "7011", "4121"],
    "time-zone": ["Asia/Shanghai", "Europe/Rome", "Asia/Tokyo", "Asia/Dubai", "UTC", "America/New_York"],
    "iban": ["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606", "NO9386011117947"],
}
for name, values in FORMATS.items():
    schemathesis.openapi.format(name, st.sampled_from(values))
