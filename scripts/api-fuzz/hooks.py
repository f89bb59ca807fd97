"""What schemathesis cannot know by itself: what exists, what a format means, and what would end the run.

A generated id that is well formed is mostly replaced by one that exists, of the same kind: what the fuzzer makes is as
good as any, and one that exists leads further than to 404. Requests that fit the schema but contradict themselves in ways
that JSON Schema has no words for are made to agree; each such rule is a function here, and says which."""

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

# An id of the description's examples.
EXAMPLE = "01h455vb4pex5vsknk084sn02q"

lock = threading.Lock()
known: dict[str, list[str]] = {}


def learn(text: str) -> None:
    with lock:
        for found in ID.finditer(text):
            likes = known.setdefault(found.group(1), [])
            if found.group() not in likes and found.group() not in WORLD["kept_keys"] and EXAMPLE not in found.group():
                likes.append(found.group())
                del likes[:-MOST]


learn(json.dumps(WORLD["ids"]))


def real(value: str) -> str:
    """In three cases of four an id that exists, in place of one that does not; which one follows from that."""
    found = ID.fullmatch(value)
    likes = known.get(found.group(1)) if found else None
    number = zlib.crc32(value.encode())
    return likes[number // 4 % len(likes)] if likes and value not in likes and number % 4 else value


def made_real(value):
    if isinstance(value, str):
        return real(value)
    if isinstance(value, list):
        return [made_real(item) for item in value]
    if isinstance(value, dict):
        return {name: made_real(item) for name, item in value.items()}
    return value


def written_whole(value):
    """To JSON Schema 1.0 is an integer. To the server it is not: nobody writes amounts of money with a point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [written_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: written_whole(item) for name, item in value.items()}
    return value


TABLES = {
    "merchants": "reference,name,currencies\nM-1,East Lake,CNY\n",
    "stores": "reference,name,time_zone\nS-1,West Lake,Asia/Shanghai\n",
    "tills": "reference,name,store\nT-1,Till 1,S-1\n",
    "tags": "reference,uid,store,label,mode,currency\nG-1,04000000000101,S-1,Till 1,till,CNY\n",
}


def table_of_its_kind(case) -> None:
    """The table has its kind's columns. The parameters belong to a body that is the table itself, and to no other."""
    place = case.body
    if case.media_type == "text/csv":
        place = case.query = {"kind": "stores", **(case.query or {})}
        case.body = TABLES[place["kind"]]
    else:
        case.query = {}
        place["csv"] = TABLES[place["kind"]]
    for_a_merchant(place)


def for_a_merchant(place) -> None:
    """The operator says for which merchant it acts."""
    if WORLD["actor"] == "operator":
        place.setdefault("merchant", WORLD["kept_merchant"])


def listen_or_list(case) -> None:
    """Tills and wallets can only listen, and whoever listens says nothing of lists."""
    headers = {name.lower(): value for name, value in (case.headers or {}).items()}
    if WORLD["actor"] in ("till", "wallet") or "event-stream" in str(headers.get("accept")):
        case.query = {}


def touch(case) -> None:
    """A touch is signed, so nobody can make one up: three times of four it is a real one."""
    number = zlib.crc32(case.body["url"].encode())
    if number % 4:
        case.body["url"] = touched(number // 4)


def order_that_adds_up(case) -> None:
    """What the items cost is what is asked, and no more goes to others; each of them is named once."""
    body = case.body
    seen = {WORLD["kept_merchant"]}
    splits = [split for split in body.get("splits", []) if not (split["merchant"] in seen or seen.add(split["merchant"]))]
    if "amount" not in body:
        body.pop("items", None)
        splits = [split for split in splits if "basis_points" in split]
    elif body.get("items"):
        cost = sum(item["quantity"] * item["unit_amount"] for item in body["items"])
        if cost < 2**63:
            body["amount"]["amount"] = cost
        else:
            del body["items"]
    if "splits" in body:
        asked = body.get("amount", {}).get("amount", 0)
        body["splits"] = splits[:1] if splits and splits[0].get("amount", 0) <= asked else []


def store(case) -> None:
    """Ranges do not overlap, not even with those of the next day."""
    if case.method.upper() == "POST" and case.path == "/v1/stores":
        for_a_merchant(case.body)
    for day, ranges in (case.body.get("opening_hours") or {}).items():
        case.body["opening_hours"][day] = ["09:00-18:30"] if ranges else []


def replay_forwards(case) -> None:
    """The first event is not after the last."""
    if "to" in case.body and position(case.body["from"]) > position(case.body["to"]):
        case.body["from"], case.body["to"] = case.body["to"], case.body["from"]


def position(event: str) -> int:
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    number = 0
    for letter in event.removeprefix("evt_"):
        number = number * 32 + digits.index(letter)
    return number & (2**62 - 1)


def prices_in_order(case) -> None:
    """One rate for each currency and method; tiers ascend from 0; the minimum is no more than the maximum."""
    rates = {}
    for rate in case.body["rates"]:
        volumes = {tier["from_volume"]: tier for tier in rate["tiers"]}
        tiers = [volumes[volume] for volume in sorted(volumes)]
        tiers[0]["from_volume"] = 0
        rate["tiers"] = tiers
        if rate.get("minimum") is not None and rate.get("maximum") is not None:
            rate["minimum"], rate["maximum"] = sorted((rate["minimum"], rate["maximum"]))
        rates[rate["currency"], rate.get("method")] = rate
    case.body["rates"] = list(rates.values())


def hours_not_years(case) -> None:
    """Time goes on a little, or nothing would be open for the rest of the run."""
    case.body["advance_seconds"] = case.body["advance_seconds"] % 300 + 1


REPAIRS = {
    "createImport": table_of_its_kind,
    "listen": listen_or_list,
    "openTap": touch,
    "createOrder": order_that_adds_up,
    "createPayout": lambda case: for_a_merchant(case.body),
    "createStore": store,
    "updateStore": store,
    "replayWebhookEvents": replay_forwards,
    "createFeePlan": prices_in_order,
    "advanceClock": hours_not_years,
}


@schemathesis.hook
def before_call(context, case, kwargs) -> None:
    for part in ("path_parameters", "query", "body"):
        replace(case, part, made_real(getattr(case, part)))
    if case.meta is None or case.meta.generation.mode.is_positive:
        replace(case, "body", written_whole(case.body))
        repair = REPAIRS.get(case.operation.definition.raw.get("operationId"))
        if repair and (isinstance(case.body, dict) or case.media_type != "application/json"):
            repair(case)
    keep_the_actor(case)


def replace(case, part: str, value) -> None:
    """What is set is judged anew by schemathesis, even if it is the same: a body that need not be there would be missed."""
    # Written out, since to Python too 1.0 is 1.
    if repr(value) != repr(getattr(case, part)):
        setattr(case, part, value)


def keep_the_actor(case) -> None:
    """Nobody saws off the branch that they sit on: that would leave nothing but 401 and 409 for the rest of the run."""
    path = case.path_parameters or {}
    if case.path.startswith("/v1/keys/{id}/") and path.get("id") in WORLD["kept_keys"]:
        path["id"] = f"key_{EXAMPLE}"
    if case.path in ENDS_OF_MERCHANTS and path.get("id") == WORLD["kept_merchant"]:
        path["id"] = f"mch_{EXAMPLE}"


ENDS_OF_MERCHANTS = {f"/v1/merchants/{{id}}/{end}" for end in ("suspend", "close")}


@schemathesis.hook
def after_call(context, case, response) -> None:
    learn(response.text if len(response.content) < 100_000 else "")


def touched(number: int) -> str:
    """A touch is signed, so nobody can make one up."""
    tag = WORLD["tags"][number % len(WORLD["tags"])]
    request = urllib.request.Request(f"{BASE}/demo/tags/{tag}/touch", method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["url"]


# Registers that a pattern cannot hold: some of their entries.
FORMATS = {
    # As many as a merchant can be paid in, and more.
    "currency": (
        "CNY EUR JPY USD KWD AED CLP ISK AUD BHD BRL CAD CHF CZK DKK EGP GBP HKD HUF IDR ILS INR JOD KES KRW MAD MXN MYR"
        " NGN NOK NZD OMR PEN PHP PLN RON SAR SEK SGD THB TND TRY TWD VND ZAR"
    ).split(),
    "country-code": ["CN", "IT", "JP", "AE", "DE", "FR", "SG", "US"],
    "merchant-category-code": ["5814", "5812", "5411", "5942", "7011", "4121"],
    "time-zone": ["Asia/Shanghai", "Europe/Rome", "Asia/Tokyo", "Asia/Dubai", "UTC", "America/New_York"],
    "iban": ["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606", "NO9386011117947"],
    "public-url": ["https://example.com/tapstone", "https://example.org:8443/hooks?from=tapstone", "https://192.0.43.8/"],
}
for name, values in FORMATS.items():
    schemathesis.openapi.format(name, st.sampled_from(values))
