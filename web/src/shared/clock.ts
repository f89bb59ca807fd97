/**
 * The server's time. A counter tablet's clock may be minutes off, which would make every countdown lie,
 * so the `Date` header of each answer corrects it when it is further off than that header's precision.
 */
import { signal } from "@preact/signals";

const precisionMs = 2_000;
let offsetMs = 0;

export function learnServerTime(dateHeader: string | null): void {
  const server = dateHeader === null ? NaN : Date.parse(dateHeader);
  if (Number.isNaN(server)) return;
  const offset = server - Date.now();
  offsetMs = Math.abs(offset) > precisionMs ? offset : 0;
}

/** Milliseconds since 1970, as the server would say. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}

const ticking = signal(0);
setInterval(() => ticking.value++, 250);

/** Whole seconds until an RFC 3339 time, never below zero; a component that asks is redrawn as they pass. */
export function secondsUntil(time: string): number {
  void ticking.value;
  return Math.max(0, Math.ceil((Date.parse(time) - serverNow()) / 1000));
}

/** "4:05". */
export function formatCountdown(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
