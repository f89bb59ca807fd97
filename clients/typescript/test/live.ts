/** Against a real server with the demonstration's world at TAPSTONE_URL. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { ApiError, AuthenticationError, ConflictError, ForbiddenError, InvalidRequestError, NotFoundError, Tapstone, type Order, type Payment } from "../src/index.ts";
import { keepPaying, touch, worldOf } from "./shopper.ts";

const baseUrl = process.env["TAPSTONE_URL"] ?? "http://127.0.0.1:8080";
const world = await worldOf(baseUrl);
const shop = world.merchants[0];
const counters = shop?.tags.filter(({ mode }) => mode === "till") ?? [];
const [payer] = world.wallets;
if (!shop || !payer || !counters[0] || !counters[1]) throw new Error("the demonstration has no shop");
const merchant = new Tapstone({ baseUrl, token: shop.key });
const wallet = new Tapstone({ baseUrl, token: payer.token });
const tag = counters[0].id;

/** Whatever ran before may have left orders waiting. */
beforeEach(async () => {
  for await (const { id } of merchant.orders.list({ status: "open" })) await merchant.orders.cancel(id);
});

const ask = (amount = 1250n) => merchant.orders.create({ tag, amount: { amount, currency: "CNY" }, description: "Two oolong teas" });

async function pay(order: Order): Promise<Payment> {
  const tap = await wallet.taps.open({ url: await touch(baseUrl, order.tag) });
  assert.equal(tap.order?.id, order.id);
  return wallet.payments.create({ tap: tap.id });
}

test("an order is created, touched, paid, and heard of", async () => {
  const heard: string[] = [];
  const listening = new AbortController();
  const listener = (async () => {
    for await (const event of merchant.events.listen({ signal: listening.signal })) {
      heard.push(event.type);
      if (event.type === "payment.succeeded") return event.data as Payment;
    }
    return null;
  })();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const order = await ask();
  assert.deepEqual([order.status, order.amount], ["open", { amount: 1250n, currency: "CNY" }]);
  const payment = await pay(order);
  assert.equal(payment.status, "succeeded");
  const paid = await merchant.orders.get(order.id);
  assert.deepEqual([paid.status, paid.payment, paid.amount_paid?.amount], ["paid", payment.id, 1250n]);
  const timer = setTimeout(() => listening.abort(), 5_000);
  // The merchant is told what it sees, its fee included, which the wallet is not shown.
  assert.deepEqual(await listener, await merchant.payments.get(payment.id));
  clearTimeout(timer);
  assert.deepEqual(heard, ["order.created", "tap.accepted", "payment.succeeded"]);
});

test("lists are read on to their end", async () => {
  const orders = [];
  for (let made = 0; made < 5; made++) orders.push(await merchant.orders.cancel((await ask()).id));
  const found = await merchant.orders.list({ limit: 2 }).all();
  assert.ok(found.length >= 5);
  assert.deepEqual(found.slice(0, 5).map(({ id }) => id), orders.map(({ id }) => id).reverse());
  assert.equal(new Set(found.map(({ id }) => id)).size, found.length);
  const history = await wallet.wallets.getHistory("me", { limit: 1 }).all();
  assert.ok(history.length >= 1);
  assert.equal((await merchant.merchants.get("me")).name, shop.name);
});

test("the same key is the same order; with another body it is refused", async () => {
  const request = { tag, amount: { amount: 100n, currency: "CNY" } };
  const key = `live-${Date.now()}`;
  const first = await merchant.orders.create(request, { idempotencyKey: key });
  assert.equal((await merchant.orders.create(request, { idempotencyKey: key })).id, first.id);
  const refused = await merchant.orders.create({ ...request, reference: "x" }, { idempotencyKey: key }).catch((error: unknown) => error);
  assert.ok(refused instanceof ApiError && refused.code === "idempotency_conflict");
  await merchant.orders.cancel(first.id);
});

test("an amount beyond 2^53 survives to the unit", async () => {
  const order = await ask(9007199254740993n);
  assert.equal(order.amount?.amount, 9007199254740993n);
  assert.equal((await merchant.orders.get(order.id)).amount?.amount, 9007199254740993n);
  const tap = await wallet.taps.open({ url: await touch(baseUrl, tag) });
  await assert.rejects(wallet.payments.create({ tap: tap.id }), (error) => error instanceof ConflictError && error.code === "insufficient_funds");
  await merchant.orders.cancel(order.id);
});

test("refusals have their classes, codes and fields", async () => {
  await assert.rejects(ask(0n), (error) => error instanceof InvalidRequestError && error.code === "invalid_field" && error.field === "amount.amount" && /^req_/.test(error.requestId ?? ""));
  await assert.rejects(merchant.orders.get("ord_01h455vb4pex5vsknk084sn02q"), NotFoundError);
  await assert.rejects(wallet.orders.list(), ForbiddenError);
  await assert.rejects(new Tapstone({ baseUrl, token: "mk_nobody" }).orders.list(), AuthenticationError);
  assert.equal(await new Tapstone({ baseUrl }).operations.isAlive(), "ok\n");
});

test("the README's examples, one after another", { timeout: 60_000 }, async (context) => {
  const library = fileURLToPath(new URL("../../../../typescript", import.meta.url));
  const readme = readFileSync(`${library}/README.md`, "utf8");
  const examples = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);
  assert.ok(examples.length >= 6);
  // Inside the library's folder, so that it is found by its own name.
  const folder = `${library}/dist/readme`;
  mkdirSync(folder, { recursive: true });
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/readme.ts`, examples.join("\n"));
  const options = { extends: "../../../tsconfig.base.json", compilerOptions: { types: ["node"], rootDir: "." }, files: ["readme.ts"] };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(options));
  await promisify(execFile)(`${library}/../node_modules/.bin/tsc`, ["-p", folder]);

  const stop = new AbortController();
  const [first] = await merchant.tags.list().all(1);
  const spare = counters.find(({ id }) => id !== first?.id);
  const shopper = keepPaying(merchant, wallet, spare?.id ?? "", stop.signal);
  const port = await freePort();
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const environment = { ...process.env, TAPSTONE_URL: baseUrl, TAPSTONE_TOKEN: shop.key, TAPSTONE_WEBHOOK_SECRET: secret, PORT: String(port) };
  const program = spawn(process.execPath, [`${folder}/readme.js`], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  program.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = AbortSignal.timeout(30_000);
  const hear = async (words: RegExp, meanwhile: () => Promise<unknown> = async () => undefined) => {
    while (!words.test(said)) {
      assert.ok(program.exitCode === null && !ended.aborted, `the examples ended before ${words}:\n${said}`);
      await meanwhile().catch(() => null);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  try {
    await hear(/^ord_\w+ waits at /m);
    await hear(/^ord_\w+ is paid$/m);
    await hear(/^heard payment.succeeded$/m);
    stop.abort();
    await shopper;
    await hear(/^\d+ payments, /m);
    await hear(/^pay_\w+ 1250n CNY$/m);
    await hear(/^400 invalid_field amount.amount req_\w+$/m);
    await hear(/^one order: true$/m);
    await hear(/^webhook 4711: order.created$/m, () => deliver(port, secret));
    assert.equal((await deliver(port, `whsec_${"A".repeat(32)}`)).status, 400);
  } finally {
    stop.abort();
    program.kill();
    await shopper;
  }
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function deliver(port: number, secret: string): Promise<Response> {
  const body = '{"id":"4711","type":"order.created","created_at":"2026-11-22T12:30:00.000Z","data":{}}';
  const timestamp = String(Math.floor(Date.now() / 1000));
  const mac = createHmac("sha256", Buffer.from(secret.slice(6), "base64")).update(`msg_1.${timestamp}.${body}`).digest("base64");
  const headers = { "Webhook-Id": "msg_1", "Webhook-Timestamp": timestamp, "Webhook-Signature": `v1,${mac}` };
  return fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body });
}
