/** Whether to ask again, and when. Waits grow, carry jitter, and never undercut the server's `Retry-After`. */
import { ApiProblem, NoAnswer } from "./problems.ts";

/** Why there is no decision yet. */
export type Trouble = "no_network" | "busy";

const firstWaitMs = 400;
const longestWaitMs = 5_000;
const attemptsWithoutPatience = 3;

export interface RepeatOptions {
  readonly signal?: AbortSignal;
  readonly untilAnswered?: (trouble: Trouble | null) => void;
}

/**
 * Repeats a request that may safely be repeated: three times, or with `untilAnswered` until an answer
 * decides it. A problem that decides (any 4xx but 429) is never repeated.
 */
export async function repeat<Answer>(request: () => Promise<Answer>, options: RepeatOptions): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await request();
      options.untilAnswered?.(null);
      return answer;
    } catch (error) {
      const trouble = troubleOf(error);
      const patient = options.untilAnswered !== undefined && !isBroken(error);
      if (trouble === null || (!patient && attempt >= attemptsWithoutPatience)) throw error;
      options.untilAnswered?.(trouble);
      await pause(waitMs(attempt, error), options.signal, trouble === "no_network");
    }
  }
}

/** null: the error is a decision, or not of the network's making. */
export function troubleOf(error: unknown): Trouble | null {
  if (error instanceof NoAnswer) return "no_network";
  if (error instanceof ApiProblem && error.undecided) return "busy";
  return null;
}

/** A server that answers 500 is not busy; patience would wait for ever. */
function isBroken(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 500;
}

/** How long to wait after the given attempt (from 1). */
export function waitMs(attempt: number, error: unknown, jitter = Math.random()): number {
  const grown = Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1));
  const asked = error instanceof ApiProblem ? (error.retryAfter ?? 0) * 1000 : 0;
  return Math.max(asked, grown) + jitter * 250;
}

/** Waits; an abort rejects it. With `untilOnline` the network coming back ends it early. */
export function pause(ms: number, signal?: AbortSignal, untilOnline = false): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal?.removeEventListener("abort", abort);
    };
    const done = () => (stop(), resolve());
    const abort = () => (stop(), reject(signal?.reason));
    const timer = setTimeout(done, ms);
    if (signal?.aborted) return abort();
    if (untilOnline) addEventListener("online", done);
    signal?.addEventListener("abort", abort);
  });
}
