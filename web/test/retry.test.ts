import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiProblem, knownCode, NoAnswer } from "../src/shared/problems.ts";
import { repeat, troubleOf, waitMs, type Trouble } from "../src/shared/retry.ts";

// The page's own events; retries only listen to them.
Object.assign(globalThis, { addEventListener: () => undefined, removeEventListener: () => undefined });

const problem = (status: number, code: string, retryAfter: number | null = null) =>
  new ApiProblem(status, code, "req_1", retryAfter, {});

test("a decision is never asked for again", async () => {
  let asked = 0;
  const refuse = () => {
    asked++;
    return Promise.reject(problem(402, "insufficient_funds"));
  };
  await assert.rejects(repeat(refuse, { untilAnswered: () => undefined }), { code: "insufficient_funds" });
  assert.equal(asked, 1);
});

test("without an answer it asks until there is one, and says why", async () => {
  const answers = [new NoAnswer(), problem(503, "overloaded", 0), null];
  const said: (Trouble | null)[] = [];
  const result = await repeat(
    () => {
      const next = answers.shift();
      return next ? Promise.reject(next) : Promise.resolve("paid");
    },
    { untilAnswered: (trouble) => said.push(trouble) },
  );
  assert.equal(result, "paid");
  assert.deepEqual(said, ["no_network", "busy", null]);
});

test("an aborted wait ends", async () => {
  const stop = new AbortController();
  const waiting = repeat(() => Promise.reject(new NoAnswer()), { untilAnswered: () => undefined, signal: stop.signal });
  setTimeout(() => stop.abort(new Error("left")), 20);
  await assert.rejects(waiting, /left/);
});

test("waits grow to a limit and respect Retry-After", () => {
  assert.equal(waitMs(1, new NoAnswer(), 0), 400);
  assert.equal(waitMs(3, new NoAnswer(), 0), 1600);
  assert.equal(waitMs(50, new NoAnswer(), 0), 5000);
  assert.equal(waitMs(1, problem(429, "rate_limited", 7), 0), 7000);
});

test("429, 5xx and silence decide nothing; 4xx do", () => {
  assert.equal(troubleOf(new NoAnswer()), "no_network");
  assert.equal(troubleOf(problem(429, "rate_limited")), "busy");
  assert.equal(troubleOf(problem(500, "internal")), "busy");
  assert.equal(troubleOf(problem(409, "order_cancelled")), null);
  assert.equal(troubleOf(new Error("a bug")), null);
});

test("codes without words of their own get the nearest", () => {
  assert.equal(knownCode("tap_replayed"), "tap_replayed");
  assert.equal(knownCode("amount_too_small"), "amount_out_of_range");
  assert.equal(knownCode("something_new"), "unknown");
  assert.equal(problem(503, "anything").code, "overloaded");
});
