"""Waits for a demonstration, makes something of each kind in it, and says who is there.

    world.py BASE_URL ACTOR

Prints JSON: the actor's token, ids that exist, and what must not be taken from the actor while it asks."""

import json
import re
import sys
import time
import urllib.error
import urllib.request

ID = re.compile(r"\b([a-z]{2,4})_[0-7][0-9a-hjkmnp-tv-z]{25}\b")


class Client:
    def __init__(self, base: str, ids: set[str]) -> None:
        self.base = base
        self.ids = ids

    def ask(self, path: str, token: str | None = None, body: object | None = None) -> dict:
        """One request, which must succeed. Remembers the ids in the answer."""
        request = urllib.request.Request(self.base + path, data=None if body is None else json.dumps(body).encode())
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                text = response.read().decode()
        except urllib.error.HTTPError as error:
            sys.exit(f"{path}: {error.code} {error.read().decode()}")
        if token is not None:
            self.ids.update(found.group() for found in ID.finditer(text))
        return json.loads(text) if text.startswith(("{", "[")) else {}


def wait(base: str) -> None:
    for _ in range(200):
        try:
            return urllib.request.urlopen(f"{base}/readyz", timeout=1).close()
        except OSError:
            time.sleep(0.1)
    sys.exit(f"no server at {base}")


def make(base: str, actor: str) -> dict:
    ids: set[str] = set()
    client = Client(base, ids)
    world = client.ask("/demo/world")
    operator, merchant, wallet = world["operator_key"], world["merchants"][0], world["wallets"][0]
    key = merchant["key"]
    tills = client.ask("/v1/tills", key)["data"]
    scopes = ["read", "write", "refund", "settle"]
    new_key = {"till": tills[0]["id"], "label": "fuzz", "scopes": scopes[:3]}
    till = client.ask("/v1/keys", key, new_key)["token"]
    touch = lambda tag: client.ask(f"/demo/tags/{tag['id']}/touch", body={})
    for tag in merchant["tags"]:
        touch(tag), touch(tag)
        if tag["mode"] == "till":
            order = {"tag": tag["id"], "amount": {"amount": 1250, "currency": "CNY"}}
            paid = client.ask("/v1/orders", key, order)
            client.ask(f"/v1/sandbox/orders/{paid['id']}/pay", key, {})
            client.ask("/v1/orders", key, order)
        tap = client.ask("/v1/taps", wallet["token"], client.ask(f"/demo/tags/{tag['id']}/touch", body={}))
        if tag["mode"] == "standing":
            amount = {"amount": 300, "currency": "CNY"}
            client.ask("/v1/payments", wallet["token"], {"tap": tap["id"], "amount": amount})
    for path in ("/v1/stores", "/v1/tags", "/v1/orders", "/v1/payments"):
        client.ask(path, key)
    tokens = {"operator": operator, "merchant": key, "till": till, "wallet": wallet["token"]}
    owners = [operator, key]
    kept = {entry["id"] for token in owners for entry in client.ask("/v1/keys", token)["data"]}
    return {
        "actor": actor,
        "token": tokens[actor],
        "ids": sorted(ids | {wallet["id"]}),
        "kept_keys": sorted(kept),
        "kept_merchant": merchant["id"],
        "tags": [tag["id"] for tag in merchant["tags"]],
    }


if __name__ == "__main__":
    wait(sys.argv[1])
    print(json.dumps(make(sys.argv[1], sys.argv[2])))
