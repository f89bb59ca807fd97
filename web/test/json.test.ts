import assert from "node:assert/strict";
import { test } from "node:test";
import { readJson, writeJson } from "../src/shared/json.ts";

test("amounts survive to the unit", () => {
  const text = '{"amount":{"amount":9007199254740993,"currency":"JPY"},"balances":[{"currency":"KWD","available":9223372036854775807}]}';
  assert.deepEqual(readJson(text), {
    amount: { amount: 9007199254740993n, currency: "JPY" },
    balances: [{ currency: "KWD", available: 9223372036854775807n }],
  });
  assert.equal(writeJson(readJson(text)), text);
});

test("small amounts are bigints too, other numbers stay numbers", () => {
  assert.deepEqual(readJson('{"amount":0,"status":402,"available":-5}'), { amount: 0n, status: 402, available: -5n });
});

test("digits inside strings are left alone", () => {
  const value = { description: 'order 12345678901234567890, "9007199254740993": ', id: "9007199254740993" };
  assert.deepEqual(readJson(JSON.stringify(value)), value);
});

test("fractions are never taken apart", () => {
  assert.deepEqual(readJson('{"score":0.12345678901234567,"tiny":1e-7}'), { score: 0.12345678901234567, tiny: 1e-7 });
});

test("what is not JSON is refused", () => {
  assert.throws(() => readJson("<html>"), SyntaxError);
});

test("undefined fields are left out when writing", () => {
  assert.equal(writeJson({ tap: "tap_1", amount: undefined, note: null, list: [1n, "a"] }), '{"tap":"tap_1","note":null,"list":[1,"a"]}');
});
