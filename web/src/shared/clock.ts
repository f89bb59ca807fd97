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

/** The server's time, ticking four times a second; components that read it redraw. */
export const ticking = signal(serverNow());
setInterval(() => (ticking.value = serverNow()), 250);

/** Whole seconds from `now` until an RFC 3339 time, never below zero. */
export function secondsUntil(time: string, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(time) - now) / 1000));
}

/** "4:05". */
export function formatCountdown(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
