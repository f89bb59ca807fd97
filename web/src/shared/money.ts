/**
 * Exact money for people: minor units to text and back, with the decimals that ISO 4217 gives the
 * currency (JPY 0, CNY 2, KWD 3, CLF 4). Strings and bigints only; no float ever holds an amount.
 * The text is "1,234.50 CNY": a code, not a symbol, since "¥" and "$" each mean several currencies.
 */
import type { Money } from "./types.ts";

/** Currencies whose decimals are not two (ISO 4217 list one). */
const unusualDecimals: ReadonlyMap<string, number> = new Map([
  ...["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"].map((code) => [code, 0] as const),
  ...["UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"].map((code) => [code, 0] as const),
  ...["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"].map((code) => [code, 3] as const),
  ...["CLF", "UYW"].map((code) => [code, 4] as const),
]);

/** The largest amount of the contract, 2^63 - 1 minor units. */
export const largestAmount = 2n ** 63n - 1n;

/** How many decimals the currency has. */
export function decimalsOf(currency: string): number {
  return unusualDecimals.get(currency) ?? 2;
}

/** The digits alone, grouped by three: `formatNumber({amount: 123450n, currency: "CNY"})` is "1,234.50". */
export function formatNumber({ amount, currency }: Money): string {
  const decimals = decimalsOf(currency);
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals);
  return (amount < 0n ? "-" : "") + groupThousands(whole) + (decimals === 0 ? "" : `.${fraction}`);
}

/** The amount with its currency: "1,234.50 CNY". */
export function formatMoney(money: Money): string {
  return `${formatNumber(money)} ${money.currency}`;
}

/** Commas between groups of three digits. */
export function groupThousands(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * Minor units of a plain decimal ("12.5" in CNY is 1250n); null when it is not one, has more decimals
 * than the currency, or passes the largest amount.
 */
export function parseMinorUnits(text: string, currency: string): bigint | null {
  const match = /^(\d+)(?:\.(\d*))?$/.exec(text);
  if (!match) return null;
  const [, whole = "", fraction = ""] = match;
  const decimals = decimalsOf(currency);
  if (fraction.length > decimals) return null;
  const amount = BigInt(whole + fraction.padEnd(decimals, "0"));
  return amount <= largestAmount ? amount : null;
}
