/** What can go wrong with a request, as types: the server answered no, or there was no answer. */

/** The codes of the contract that have words of their own. Any other code is shown as `unknown`. */
export const problemCodes = [
  "tap_url_malformed",
  "tap_invalid",
  "tag_unknown",
  "tag_inactive",
  "tap_replayed",
  "tap_already_used",
  "tap_expired",
  "nothing_to_pay",
  "not_found",
  "insufficient_funds",
  "currency_not_held",
  "currency_mismatch",
  "order_already_paid",
  "order_already_closed",
  "order_cancelled",
  "order_expired",
  "amount_required",
  "amount_mismatch",
  "amount_out_of_range",
  "tag_busy",
  "idempotency_conflict",
  "unauthenticated",
  "forbidden",
  "overloaded",
  "unknown",
] as const;

export type ProblemCode = (typeof problemCodes)[number];

/** A code of the server, or the nearest code that has words. */
export function knownCode(code: string): ProblemCode {
  const known = problemCodes.find((candidate) => candidate === code);
  if (known) return known;
  return code.startsWith("amount_") ? "amount_out_of_range" : "unknown";
}

/** The server's problem+json answer (RFC 9457). */
export class ApiProblem extends Error {
  readonly code: ProblemCode;

  constructor(
    readonly status: number,
    readonly serverCode: string,
    readonly requestId: string | null,
    /** Seconds that the server asks to wait (`Retry-After`). */
    readonly retryAfter: number | null,
    /** The members of the problem, for those that carry more (`tag_busy` has `order`). */
    readonly members: Readonly<Record<string, unknown>>,
  ) {
    super(serverCode);
    this.code = status === 429 || status === 503 ? "overloaded" : knownCode(serverCode);
  }

  /** Whether the request may have done something all the same, or may yet: the answer decides nothing. */
  get undecided(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** No answer: no network, a timeout, or an answer cut short. Whether the server did it is unknown. */
export class NoAnswer extends Error {}
