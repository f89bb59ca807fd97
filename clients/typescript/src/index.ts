/** The Tapstone payment platform's client library. See README.md. */
import { Resources } from "./generated/resources.ts";
import type { Options } from "./options.ts";
import { Transport } from "./transport.ts";

/** A client of one platform, for one token. Holds no connection; make one and keep it. */
export class Tapstone extends Resources {
  /** Where the platform is. */
  readonly baseUrl: string;

  constructor(options: Options) {
    const transport = new Transport(options);
    super(transport);
    this.baseUrl = transport.baseUrl;
  }
}

export {
  ApiError,
  AuthenticationError,
  ConflictError,
  ForbiddenError,
  InvalidRequestError,
  NoAnswerError,
  NotFoundError,
  RateLimitError,
  ServerError,
  TapstoneError,
} from "./errors.ts";
export { EventStream } from "./events.ts";
export * from "./generated/resources.ts";
export type * from "./generated/types.ts";
export { Listing } from "./listing.ts";
export type { CallOptions, ListenOptions, Options, WriteOptions } from "./options.ts";
export { newIdempotencyKey } from "./retry.ts";
export { verifyWebhook, WebhookError, type WebhookHeaders, type WebhookOptions } from "./webhooks.ts";
