import assert from "node:assert/strict";
import { test } from "node:test";
import { entryAmount, keyOfKeyboard, pressKey, showEntry, type Key } from "../src/shared/entry.ts";

function type(keys: string, currency: string): string {
  return Array.from(keys).reduce((entry, key) => pressKey(entry, (key === "<" ? "delete" : key) as Key, currency), "");
}

test("digits build the amount", () => {
  assert.equal(entryAmount(type("12.50", "CNY"), "CNY"), 1250n);
  assert.equal(entryAmount(type("480", "JPY"), "JPY"), 480n);
  assert.equal(entryAmount(type("2.75", "KWD"), "KWD"), 2750n);
  assert.equal(entryAmount(type(".5", "CNY"), "CNY"), 50n);
});

test("more decimals than the currency has cannot be typed", () => {
  assert.equal(type("12.509", "CNY"), "12.50");
  assert.equal(type("1.2345", "KWD"), "1.234");
  assert.equal(type("1.23456", "CLF"), "1.2345");
  assert.equal(type("48.5", "JPY"), "485");
});

test("a second point and leading zeros do nothing", () => {
  assert.equal(type("1.2.3", "CNY"), "1.23");
  assert.equal(type("007", "JPY"), "7");
  assert.equal(type("00.05", "CNY"), "0.05");
});

test("an amount does not grow past the screen", () => {
  assert.equal(type("12345678901", "CNY"), "123456789");
});

test("delete takes the last key back, clear all", () => {
  assert.equal(type("12.5<<<", "CNY"), "1");
  assert.equal(type("<", "CNY"), "");
  assert.equal(pressKey("12.5", "clear", "CNY"), "");
});

test("zero is not an amount to ask for", () => {
  for (const entry of ["", "0", "0.", "0.00"]) assert.equal(entryAmount(entry, "CNY"), null);
});

test("what is still missing is shown apart", () => {
  assert.deepEqual(showEntry("", "CNY"), { typed: "", missing: "0.00" });
  assert.deepEqual(showEntry("", "JPY"), { typed: "", missing: "0" });
  assert.deepEqual(showEntry("1234", "CNY"), { typed: "1,234", missing: ".00" });
  assert.deepEqual(showEntry("1234", "JPY"), { typed: "1,234", missing: "" });
  assert.deepEqual(showEntry("12.", "KWD"), { typed: "12.", missing: "000" });
  assert.deepEqual(showEntry("12.5", "CNY"), { typed: "12.5", missing: "0" });
});

test("keys of a keyboard", () => {
  assert.equal(keyOfKeyboard("7"), "7");
  assert.equal(keyOfKeyboard(","), ".");
  assert.equal(keyOfKeyboard("Backspace"), "delete");
  assert.equal(keyOfKeyboard("a"), null);
  assert.equal(keyOfKeyboard("F1"), null);
});
