import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { verifyWebhook, WebhookError } from "../src/index.ts";

interface Row {
  readonly name: string;
  readonly secret: string;
  readonly id: string;
  readonly timestamp: string;
  readonly body: string;
  readonly signature: string;
  readonly valid: boolean;
  readonly library_signature: string;
}

const vectors = new URL("../../../../../tests/vectors/signature_vectors.json", import.meta.url);
const rows = (JSON.parse(readFileSync(vectors, "utf8")) as { standard_webhooks: Row[] }).standard_webhooks;
const headersOf = ({ id, timestamp }: Row, signature: string) => ({ "Webhook-Id": id, "webhook-timestamp": timestamp, "WEBHOOK-SIGNATURE": signature });
const atTime = ({ timestamp }: Row) => ({ nowMs: Number(timestamp) * 1000 });

test("every row of the vectors", async () => {
  assert.ok(rows.length >= 5);
  for (const row of rows) {
    const verified = verifyWebhook(row.body, headersOf(row, row.signature), row.secret, atTime(row));
    if (row.valid) assert.ok(await verified, row.name);
    else await assert.rejects(verified, WebhookError, row.name);
    assert.ok(await verifyWebhook(new TextEncoder().encode(row.body), new Headers(headersOf(row, row.library_signature)), row.secret, atTime(row)), row.name);
  }
});

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const body = '{"id":"evt_1","type":"payment.succeeded","created_at":"","data":{"amount":{"amount":9007199254740993,"currency":"JPY"}}}';

function signed(now: number, content = body) {
  const timestamp = String(Math.floor(now / 1000));
  const mac = createHmac("sha256", Buffer.from(secret.slice(6), "base64")).update(`msg_1.${timestamp}.${content}`).digest("base64");
  return { "webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": `v1,${mac}` };
}

test("the event is read exactly", async () => {
  const event = await verifyWebhook(body, signed(Date.now()), secret);
  assert.deepEqual(event.data, { amount: { amount: 9007199254740993n, currency: "JPY" } });
});

test("while secrets are rotated either is right; no other is", async () => {
  const other = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
  await verifyWebhook(body, signed(Date.now()), [other, secret]);
  await assert.rejects(verifyWebhook(body, signed(Date.now()), other), WebhookError);
  await assert.rejects(verifyWebhook(body, signed(Date.now()), []), WebhookError);
});

test("five minutes either way, and no more", async () => {
  const nowMs = 1_700_000_000_000;
  for (const seconds of [-300, 300]) await verifyWebhook(body, signed(nowMs + seconds * 1000), secret, { nowMs });
  for (const seconds of [-301, 301]) await assert.rejects(verifyWebhook(body, signed(nowMs + seconds * 1000), secret, { nowMs }), WebhookError);
});

test("what is missing, malformed or not JSON is refused", async () => {
  const whole = signed(Date.now());
  for (const name of Object.keys(whole)) await assert.rejects(verifyWebhook(body, { ...whole, [name]: undefined }, secret), WebhookError);
  for (const signature of ["v1", "v1,", "v1,***", "v2,AAAA", "", "v1,AAAA v1,!!"]) await assert.rejects(verifyWebhook(body, { ...whole, "webhook-signature": signature }, secret), WebhookError);
  await assert.rejects(verifyWebhook(body, { ...whole, "webhook-timestamp": "1e9" }, secret), WebhookError);
  await assert.rejects(verifyWebhook("<html>", signed(Date.now(), "<html>"), secret), WebhookError);
  for (const wrong of ["", "whsec_", "whsec_***"]) await assert.rejects(verifyWebhook(body, whole, wrong), (error) => error instanceof WebhookError && !error.message.includes("***"));
});
