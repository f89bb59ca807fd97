/**
 * What a keypad's keys do to the amount being typed. The entry is the plain text typed so far ("", "12",
 * "12.", "12.5"); a key that would make an amount that cannot exist leaves it as it was.
 */
import { decimalsOf, groupThousands, parseMinorUnits } from "./money.ts";

export type Key = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "." | "delete" | "clear";

/** More whole digits than a counter ever needs, and few enough to fit on the screen. */
const mostWholeDigits = 9;

export function pressKey(entry: string, key: Key, currency: string): string {
  if (key === "clear") return "";
  if (key === "delete") return entry.slice(0, -1);
  if (key === ".") return decimalsOf(currency) === 0 || entry.includes(".") ? entry : `${entry || "0"}.`;
  const next = entry === "0" ? key : entry + key;
  return fits(next, currency) ? next : entry;
}

function fits(entry: string, currency: string): boolean {
  const [whole = ""] = entry.split(".");
  return whole.length <= mostWholeDigits && parseMinorUnits(entry, currency) !== null;
}

/** The minor units typed; null while there is nothing to ask for. */
export function entryAmount(entry: string, currency: string): bigint | null {
  const amount = parseMinorUnits(entry, currency);
  return amount !== null && amount > 0n ? amount : null;
}

/** The entry as shown: grouped, and the digits still missing apart, so that they can be dimmed. */
export function showEntry(entry: string, currency: string): { typed: string; missing: string } {
  const decimals = decimalsOf(currency);
  const [whole = "", fraction] = entry.split(".");
  const rest = decimals === 0 ? "" : "0".repeat(decimals - (fraction?.length ?? 0));
  if (entry === "") return { typed: "", missing: decimals === 0 ? "0" : `0.${rest}` };
  if (fraction === undefined) return { typed: groupThousands(whole), missing: rest === "" ? "" : `.${rest}` };
  return { typed: `${groupThousands(whole)}.${fraction}`, missing: rest };
}

/** The keypad key of a keyboard event, if it has one. */
export function keyOfKeyboard(key: string): Key | null {
  if (/^[0-9]$/.test(key)) return key as Key;
  if (key === "." || key === ",") return ".";
  if (key === "Backspace") return "delete";
  if (key === "Delete") return "clear";
  return null;
}
