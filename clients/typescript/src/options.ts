/** What can be set for the whole client, and for one call. */

export interface Options {
  /** Where the platform is, as in `https://pay.example`. */
  readonly baseUrl: string;
  /** A merchant's key, a till's key, a wallet's token. */
  readonly token?: string | undefined;
  /** How long one attempt may take, in milliseconds; 15,000 unless told otherwise. */
  readonly timeoutMs?: number | undefined;
  /** How often a request is repeated at most when no answer came, or the server was busy; 4 unless told otherwise. */
  readonly maxRetries?: number | undefined;
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

export interface CallOptions {
  /** Gives up when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Instead of the client's. */
  readonly timeoutMs?: number | undefined;
  /** Instead of the client's. */
  readonly maxRetries?: number | undefined;
}

export interface WriteOptions extends CallOptions {
  /**
   * Names the request, so that it happens once however often it is sent. One is made for each call that has none; give
   * your own (your order's number, say) where the call may be repeated after your own process was restarted.
   */
  readonly idempotencyKey?: string | undefined;
}

export interface ListenOptions {
  /** Resume after this event. */
  readonly lastEventId?: string | undefined;
  /** Stops listening when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** A silence that is taken for a dead connection, in milliseconds; 40,000 unless told otherwise. */
  readonly silenceMs?: number | undefined;
}
