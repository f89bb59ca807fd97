import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { ApiError, AuthenticationError, ConflictError, InvalidRequestError, NoAnswerError, NotFoundError, RateLimitError, ServerError, Tapstone, TapstoneError } from "../src/index.ts";
import { pause, retryAfterMs, waitMs } from "../src/retry.ts";
import { Transport } from "../src/transport.ts";
import { cut, drop, fakeServer, json, problem, silence } from "./fake.ts";

const token = "mk_very_secret";
const order = { tag: "tag_1", amount: { amount: 1250n, currency: "CNY" } };
const created = json('{"id":"ord_1","status":"open","amount":{"amount":9007199254740993,"currency":"JPY"}}', 201);

test("a request carries what it should", async () => {
  const { baseUrl, asked } = await fakeServer(created);
  const answer = await new Tapstone({ baseUrl: `${baseUrl}/`, token }).orders.create({ ...order, amount: { amount: 9007199254740993n, currency: "JPY" } });
  assert.equal(answer.amount?.amount, 9007199254740993n);
  const [request] = asked;
  assert.equal(request?.method, "POST");
  assert.equal(request?.url, "/v1/orders");
  assert.equal(request?.headers.authorization, `Bearer ${token}`);
  assert.equal(request?.headers["content-type"], "application/json");
  assert.match(String(request?.headers["idempotency-key"]), /^[0-9a-f]{32}$/);
  assert.equal(request?.body, '{"tag":"tag_1","amount":{"amount":9007199254740993,"currency":"JPY"}}');
});

test("an answer that is lost after the work was done is asked for again, with the same key and body", async () => {
  const { baseUrl, asked } = await fakeServer(drop, cut, json("<html>"), created);
  const answer = await new Tapstone({ baseUrl, token }).orders.create(order);
  assert.equal(answer.id, "ord_1");
  assert.equal(asked.length, 4);
  assert.equal(new Set(asked.map(({ headers, body }) => `${headers["idempotency-key"]} ${body}`)).size, 1);
});

test("two calls have two keys, a caller's own key is kept", async () => {
  const { baseUrl, asked } = await fakeServer(created);
  const tapstone = new Tapstone({ baseUrl, token });
  await tapstone.orders.create(order);
  await tapstone.orders.create(order);
  await tapstone.orders.create(order, { idempotencyKey: "order-7" });
  const keys = asked.map(({ headers }) => headers["idempotency-key"]);
  assert.notEqual(keys[0], keys[1]);
  assert.equal(keys[2], "order-7");
  await assert.rejects(tapstone.orders.create(order, { idempotencyKey: "two words" }), TapstoneError);
});

test("a busy server is asked again, not before Retry-After", async () => {
  const { baseUrl, asked } = await fakeServer(problem(503, "overloaded", { "Retry-After": "1" }), problem(500, "internal"), created);
  const start = Date.now();
  assert.equal((await new Tapstone({ baseUrl, token }).orders.create(order)).id, "ord_1");
  assert.ok(Date.now() - start >= 1000);
  assert.equal(asked.length, 3);
});

test("a decision is not asked for twice", async () => {
  for (const [status, kind] of [[400, InvalidRequestError], [401, AuthenticationError], [402, ConflictError], [404, NotFoundError], [409, ConflictError], [422, InvalidRequestError]] as const) {
    const { baseUrl, asked } = await fakeServer(problem(status, "some_code", {}, { field: "amount.currency", order: "ord_9" }));
    const error: unknown = await new Tapstone({ baseUrl, token }).orders.create(order).catch((reason: unknown) => reason);
    assert.ok(error instanceof kind && error instanceof ApiError);
    assert.deepEqual([error.status, error.code, error.field, error.requestId], [status, "some_code", "amount.currency", "req_1"]);
    assert.equal(error.members["order"], "ord_9");
    assert.equal(asked.length, 1);
  }
});

test("after the last retry the error is the server's own", async () => {
  const busy = await fakeServer(problem(429, "rate_limited"));
  await assert.rejects(new Tapstone({ baseUrl: busy.baseUrl, token, maxRetries: 2 }).orders.get("ord_1"), RateLimitError);
  assert.equal(busy.asked.length, 3);
  const page = await fakeServer((response) => response.writeHead(502, { "Request-Id": "req_2" }).end("<html>Bad gateway</html>"));
  const error: unknown = await new Tapstone({ baseUrl: page.baseUrl, token }).orders.get("ord_1", { maxRetries: 0 }).catch((reason: unknown) => reason);
  assert.ok(error instanceof ServerError);
  assert.deepEqual([error.code, error.requestId], ["unknown", "req_2"]);
  const patient = await fakeServer(problem(503, "overloaded", { "Retry-After": "3600" }));
  await assert.rejects(new Tapstone({ baseUrl: patient.baseUrl, token }).orders.get("ord_1"), ServerError);
  assert.equal(patient.asked.length, 1, "an hour is too long to wait");
});

test("too slow is no answer, and says which key to ask again with", async () => {
  const { baseUrl, asked } = await fakeServer(silence);
  const error: unknown = await new Tapstone({ baseUrl, token, timeoutMs: 50, maxRetries: 1 }).orders.create(order).catch((reason: unknown) => reason);
  assert.ok(error instanceof NoAnswerError);
  assert.equal(asked.length, 2);
  assert.equal(error.idempotencyKey, asked[0]?.headers["idempotency-key"]);
});

test("a POST without a key is never repeated; a DELETE that was done is done", async () => {
  const { baseUrl, asked } = await fakeServer(drop, problem(404, "not_found"));
  const transport = new Transport({ baseUrl, token });
  await assert.rejects(transport.call({ method: "POST", path: "/x", answer: "json", accept: "" }), NoAnswerError);
  assert.equal(asked.length, 1);
  const again = await fakeServer(drop, problem(404, "not_found"));
  await new Transport({ baseUrl: again.baseUrl, token }).call({ method: "DELETE", path: "/x", answer: "nothing", accept: "" });
  assert.equal(again.asked.length, 2);
});

test("an abort ends it at once, with its reason", async () => {
  const { baseUrl } = await fakeServer(silence);
  const reason = new Error("the shop has closed");
  const abort = new AbortController();
  setTimeout(() => abort.abort(reason), 20);
  await assert.rejects(new Tapstone({ baseUrl, token }).orders.get("ord_1", { signal: abort.signal }), reason);
  await assert.rejects(pause(10_000, AbortSignal.abort(reason)), reason);
});

test("text, bytes and nothing", async () => {
  const { baseUrl, asked } = await fakeServer((response) => response.writeHead(200).end("a;b\n"));
  const transport = new Transport({ baseUrl, token });
  const common = { method: "GET", path: "/x", accept: "text/csv" };
  assert.equal(await transport.call({ ...common, answer: "text" }), "a;b\n");
  assert.deepEqual(await transport.call({ ...common, answer: "bytes" }), new TextEncoder().encode("a;b\n"));
  assert.equal(await transport.call({ ...common, answer: "nothing" }), undefined);
  await transport.call({ method: "POST", path: "/x", accept: "", answer: "text", body: "a,b\n1,2\n", mediaType: "text/csv" });
  assert.equal(asked.at(-1)?.body, "a,b\n1,2\n");
  assert.equal(asked.at(-1)?.headers["content-type"], "text/csv");
});

test("the token is nowhere but in its header", async () => {
  const { baseUrl } = await fakeServer(problem(401, "unauthenticated"), drop);
  const tapstone = new Tapstone({ baseUrl, token, maxRetries: 0 });
  for (let turn = 0; turn < 2; turn++) {
    const error: unknown = await tapstone.orders.get("ord_1").catch((reason: unknown) => reason);
    assert.doesNotMatch(inspect(error, { depth: 10 }) + String(error), /secret/);
  }
  assert.doesNotMatch(inspect(tapstone, { depth: 10, showHidden: true }) + JSON.stringify(tapstone), /secret/);
  for (const wrong of ["mk_secret\r\nX: y", "mk_secret ", ""]) {
    assert.throws(() => new Tapstone({ baseUrl, token: wrong }), (error) => error instanceof TapstoneError && !/secret/.test(inspect(error)));
  }
});

test("ids cannot leave their place in the path, addresses carry no secrets", async () => {
  const { baseUrl, asked } = await fakeServer(created);
  const tapstone = new Tapstone({ baseUrl, token });
  await tapstone.orders.get("../payments?x=1");
  assert.equal(asked[0]?.url, "/v1/orders/..%2Fpayments%3Fx%3D1");
  for (const wrong of ["", ".", ".."]) assert.throws(() => tapstone.orders.get(wrong), TapstoneError);
  for (const wrong of ["pay.example", "ftp://x", "http://me:secret@x", "http://x/?a=b"]) assert.throws(() => new Tapstone({ baseUrl: wrong }), TapstoneError);
});

test("a redirect is not followed", async () => {
  const other = await fakeServer(created);
  const { baseUrl } = await fakeServer((response) => response.writeHead(302, { Location: other.baseUrl }).end());
  await assert.rejects(new Tapstone({ baseUrl, token, maxRetries: 0 }).orders.get("ord_1"), TapstoneError);
  assert.equal(other.asked.length, 0);
});

test("a list awaited is its first part, iterated all of its items", async () => {
  const { baseUrl, asked } = await fakeServer(json('{"data":[{"id":"ord_3"},{"id":"ord_2"}],"has_more":true}'), drop, json('{"data":[{"id":"ord_1"}],"has_more":false}'));
  const tapstone = new Tapstone({ baseUrl, token });
  const ids: string[] = [];
  for await (const { id } of tapstone.orders.list({ limit: 2, status: "open" })) ids.push(id);
  assert.deepEqual(ids, ["ord_3", "ord_2", "ord_1"]);
  assert.deepEqual(asked.map(({ url }) => url), ["/v1/orders?limit=2&status=open", "/v1/orders?limit=2&status=open&starting_after=ord_2", "/v1/orders?limit=2&status=open&starting_after=ord_2"]);
  const page = await tapstone.orders.list();
  assert.equal(page.data.length, 1);
});

test("a list that does not move on is not read for ever", async () => {
  const { baseUrl, asked } = await fakeServer(json('{"data":[{"id":"ord_1"}],"has_more":true}'));
  assert.equal((await new Tapstone({ baseUrl, token }).orders.list().all()).length, 2);
  assert.equal(asked.length, 2);
  assert.equal((await new Tapstone({ baseUrl, token }).orders.list().all(1)).length, 1);
});

test("words and fields that are not known yet come through", async () => {
  const { baseUrl } = await fakeServer(json('{"id":"ord_1","status":"levitating","shape":{"amount":5}}'));
  const answer = await new Tapstone({ baseUrl, token }).orders.get("ord_1");
  assert.equal(answer.status, "levitating");
  assert.deepEqual((answer as unknown as { shape: object }).shape, { amount: 5n });
});

test("waits grow, carry jitter, and never undercut Retry-After", () => {
  const error = new NoAnswerError("", null, null);
  assert.deepEqual([1, 2, 3, 20].map((attempt) => waitMs(attempt, error, 1)), [250, 500, 1000, 8000]);
  assert.equal(waitMs(1, error, 0), 125);
  assert.equal(retryAfterMs("2"), 2000);
  assert.equal(retryAfterMs("soon"), null);
  assert.ok((retryAfterMs(new Date(Date.now() + 5000).toUTCString()) ?? 0) > 3000);
});
