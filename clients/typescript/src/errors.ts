/** What can go wrong. No error carries a token. */
import type { ProblemCode } from "./generated/types.ts";

export class TapstoneError extends Error {
  override name = "TapstoneError";
}

/** No answer came: whether the request was carried out is not known. The same idempotency key asks again safely. */
export class NoAnswerError extends TapstoneError {
  override name = "NoAnswerError";
  /** The key that the request carried; null where it takes none. */
  readonly idempotencyKey: string | null;

  constructor(message: string, idempotencyKey: string | null, cause: unknown) {
    super(message, { cause });
    this.idempotencyKey = idempotencyKey;
  }
}

/** What a problem document (RFC 9457) says. */
export interface Problem {
  readonly status: number;
  readonly code: ProblemCode;
  readonly title: string;
  readonly detail: string;
  readonly field: string | null;
  readonly requestId: string | null;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | null;
  /** The whole document, with what is particular to its code. */
  readonly members: { readonly [name: string]: unknown };
}

/** The server answered, and refused or failed. Programs go by `code`. */
export class ApiError extends TapstoneError implements Problem {
  override name = "ApiError";
  readonly status: number;
  readonly code: ProblemCode;
  readonly title: string;
  readonly detail: string;
  readonly field: string | null;
  readonly requestId: string | null;
  readonly retryAfterMs: number | null;
  readonly members: { readonly [name: string]: unknown };

  constructor(problem: Problem) {
    const where = problem.field === null ? "" : ` (${problem.field})`;
    super(`${problem.code}${where}: ${problem.detail || problem.title || `status ${problem.status}`}`);
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title;
    this.detail = problem.detail;
    this.field = problem.field;
    this.requestId = problem.requestId;
    this.retryAfterMs = problem.retryAfterMs;
    this.members = problem.members;
  }
}

/** The request itself is wrong: 400, 413, 415, 422 and the like. */
export class InvalidRequestError extends ApiError {
  override name = "InvalidRequestError";
}

/** 401: there is no token, or it is not known. */
export class AuthenticationError extends ApiError {
  override name = "AuthenticationError";
}

/** 403: this token may not do this. */
export class ForbiddenError extends ApiError {
  override name = "ForbiddenError";
}

export class NotFoundError extends ApiError {
  override name = "NotFoundError";
}

/** 402 and 409: well said, and not possible as things are. */
export class ConflictError extends ApiError {
  override name = "ConflictError";
}

/** 429: too many requests, and still so after all retries. */
export class RateLimitError extends ApiError {
  override name = "RateLimitError";
}

/** 5xx, and still so after all retries. Whether the request was carried out is not known after a 500. */
export class ServerError extends ApiError {
  override name = "ServerError";
}

/** The error of a problem's status. */
export function errorOf(problem: Problem): ApiError {
  if (problem.status >= 500) return new ServerError(problem);
  switch (problem.status) {
    case 401:
      return new AuthenticationError(problem);
    case 403:
      return new ForbiddenError(problem);
    case 404:
    case 410:
      return new NotFoundError(problem);
    case 402:
    case 409:
      return new ConflictError(problem);
    case 429:
      return new RateLimitError(problem);
    default:
      return new InvalidRequestError(problem);
  }
}
