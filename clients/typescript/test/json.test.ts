import assert from "node:assert/strict";
import { test } from "node:test";
import { readJson, writeJson } from "../src/json.ts";

const wide = new Set(["amount", "totals"]);

test("9007199254740993 survives, small amounts are bigints too, other numbers stay numbers", () => {
  const text = '{"amount":9007199254740993,"nested":[{"amount":0}],"status":402,"totals":[9223372036854775807],"rate":0.1}';
  const value = { amount: 9007199254740993n, nested: [{ amount: 0n }], status: 402, totals: [9223372036854775807n], rate: 0.1 };
  assert.deepEqual(readJson(text, wide), value);
  assert.equal(writeJson(value), text);
});

test("maps of 64-bit integers, and integers that a number cannot hold", () => {
  assert.deepEqual(readJson('{"totals":{"CNY":5,"JPY":7},"id":9007199254740993}', wide), { totals: { CNY: 5n, JPY: 7n }, id: 9007199254740993n });
});

test("it reads what JSON.parse reads, and refuses what it refuses", () => {
  const right = ["0", "-0.5e3", '"\\u00e9\\n\\"x"', "[]", "{}", " [1 , 2 ] ", "true", "null", '{"a":{"b":[{}]}}', '{"__proto__":1}', '{"a":1,"a":2}', '"9007199254740993"', "[[],[[]]]"];
  for (const text of right) assert.deepEqual(readJson(text, new Set()), JSON.parse(text), text);
  const wrong = ["", "<html>", "01", "1.", "+1", "[1,]", '{"a":1,}', "{a:1}", "[1 2]", '"\n"', '"\\x"', "nul", "1 1", "[", '{"a"', '{"a":}', "]", "'a'", "NaN", "\u00a01"];
  for (const text of wrong) {
    assert.throws(() => JSON.parse(text), SyntaxError, text);
    assert.throws(() => readJson(text, new Set()), SyntaxError, text);
  }
});

test("nesting without end is refused", () => {
  assert.throws(() => readJson("[".repeat(100_000), new Set()), SyntaxError);
});

test("what is not exact is not written", () => {
  for (const wrong of [9007199254740992, Number.NaN, Infinity]) assert.throws(() => writeJson({ amount: wrong }), RangeError);
  assert.equal(writeJson({ a: undefined, b: null, c: [undefined], d: 1.5 }), '{"b":null,"c":[null],"d":1.5}');
});
