import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decimalsOf, formatMoney, formatNumber, largestAmount, parseMinorUnits } from "../src/shared/money.ts";

test("the decimals of every currency are those of ISO 4217", () => {
  const vectors = JSON.parse(readFileSync("test/vectors/iso4217.json", "utf8")) as {
    minor_units: Record<string, number | null>;
  };
  const currencies = Object.entries(vectors.minor_units).filter(([, decimals]) => decimals !== null);
  assert.ok(currencies.length > 150);
  for (const [currency, decimals] of currencies) assert.equal(decimalsOf(currency), decimals, currency);
});

test("amounts are shown with exactly their currency's decimals", () => {
  const cases: [bigint, string, string][] = [
    [1250n, "CNY", "12.50 CNY"],
    [5n, "CNY", "0.05 CNY"],
    [0n, "EUR", "0.00 EUR"],
    [123456789n, "EUR", "1,234,567.89 EUR"],
    [480n, "JPY", "480 JPY"],
    [1234567n, "JPY", "1,234,567 JPY"],
    [0n, "JPY", "0 JPY"],
    [1n, "KWD", "0.001 KWD"],
    [2750n, "KWD", "2.750 KWD"],
    [1234567n, "KWD", "1,234.567 KWD"],
    [10001n, "CLF", "1.0001 CLF"],
    [-1250n, "CNY", "-12.50 CNY"],
  ];
  for (const [amount, currency, text] of cases) assert.equal(formatMoney({ amount, currency }), text);
});

test("an amount that a double cannot hold is shown to the unit", () => {
  assert.equal(formatNumber({ amount: 9007199254740993n, currency: "CNY" }), "90,071,992,547,409.93");
  assert.equal(formatNumber({ amount: largestAmount, currency: "JPY" }), "9,223,372,036,854,775,807");
});

test("typed decimals become minor units, or nothing", () => {
  assert.equal(parseMinorUnits("12.5", "CNY"), 1250n);
  assert.equal(parseMinorUnits("12.", "CNY"), 1200n);
  assert.equal(parseMinorUnits("12", "JPY"), 12n);
  assert.equal(parseMinorUnits("0.001", "KWD"), 1n);
  assert.equal(parseMinorUnits("90071992547409.93", "CNY"), 9007199254740993n);
  for (const [text, currency] of [
    ["12.505", "CNY"],
    ["12.5", "JPY"],
    ["1.0001", "KWD"],
    ["", "CNY"],
    [".5", "CNY"],
    ["-1", "CNY"],
    ["1e3", "CNY"],
    ["1,000", "CNY"],
    ["12.5.0", "CNY"],
    ["92233720368547758.08", "CNY"],
  ] as const)
    assert.equal(parseMinorUnits(text, currency), null, `${text} ${currency}`);
});

test("formatting and parsing are inverse", () => {
  for (const currency of ["JPY", "CNY", "KWD", "CLF"])
    for (const amount of [0n, 1n, 9n, 10n, 99n, 100n, 12345n, 999999999999n, largestAmount])
      assert.equal(parseMinorUnits(formatNumber({ amount, currency }).replaceAll(",", ""), currency), amount);
});
