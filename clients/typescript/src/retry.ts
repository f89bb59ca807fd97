/** When to ask again. */
import { ApiError, NoAnswerError } from "./errors.ts";

const firstWaitMs = 250;
const longestWaitMs = 8_000;
/** A server that asks for more patience than this gets its error passed on. */
const mostPatienceMs = 60_000;

/** Whether the same request may get another answer later. */
export function mayPass(error: unknown): boolean {
  if (error instanceof NoAnswerError) return true;
  return error instanceof ApiError && (error.status >= 500 || error.status === 429 || error.status === 408) && (error.retryAfterMs ?? 0) <= mostPatienceMs;
}

/** How long to wait after the given attempt (from 1): growing, with jitter, and never less than the server asks for. */
export function waitMs(attempt: number, error: unknown, random = Math.random()): number {
  const grown = Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1)) * (0.5 + random / 2);
  const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  return asked > 0 ? asked + random * firstWaitMs : grown;
}

/** Waits; an abort rejects it with its reason. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", stop);
    function done(): void {
      signal?.removeEventListener("abort", stop);
      resolve();
    }
    function stop(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      reject(signal?.reason as Error);
    }
  });
}

/** `Retry-After`, in seconds or as a date, in milliseconds from now. */
export function retryAfterMs(header: string | null): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/** 128 random bits. `randomUUID` would need a secure context in browsers. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
