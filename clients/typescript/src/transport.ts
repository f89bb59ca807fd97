/**
 * One request, one answer. Repeats what may be repeated: reads, deletions, and changes that carry an idempotency key,
 * which stays the same over all attempts, so that a retry never does a thing twice.
 */
import { errorOf, NoAnswerError, TapstoneError, type ApiError } from "./errors.ts";
import { EventStream } from "./events.ts";
import { wideFields } from "./generated/types.ts";
import { readJson, writeJson } from "./json.ts";
import { Listing } from "./listing.ts";
import type { CallOptions, ListenOptions, Options, WriteOptions } from "./options.ts";
import { mayPass, newIdempotencyKey, pause, retryAfterMs, waitMs } from "./retry.ts";

/** What the generated methods ask for. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query?: object;
  readonly body?: unknown;
  readonly mediaType?: string;
  readonly idempotent?: boolean;
  readonly answer: "json" | "text" | "bytes" | "events" | "nothing";
  readonly accept: string;
}

const defaultTimeoutMs = 15_000;
const defaultRetries = 4;

export class Transport {
  readonly baseUrl: string;
  readonly #token: string | null;
  readonly #options: Options;
  readonly #fetch: typeof fetch;

  constructor(options: Options) {
    this.baseUrl = checkedBase(options.baseUrl);
    this.#token = checkedToken(options.token);
    this.#options = options;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  async call<Answer>(request: Request, options: WriteOptions = {}): Promise<Answer> {
    const key = request.idempotent ? (options.idempotencyKey ?? newIdempotencyKey()) : null;
    const repeatable = request.method !== "POST" || key !== null;
    const retries = repeatable ? (options.maxRetries ?? this.#options.maxRetries ?? defaultRetries) : 0;
    const prepared = this.#prepare(request, key);
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.#once(request, prepared, key, options)) as Answer;
      } catch (error) {
        // An earlier attempt has deleted it.
        if (request.method === "DELETE" && attempt > 1 && (error as ApiError).status === 404) return undefined as Answer;
        if (attempt > retries || !mayPass(error)) throw error;
        await pause(waitMs(attempt, error), options.signal);
      }
    }
  }

  list<Page, Item>(request: Request, options?: CallOptions): Listing<Page, Item> {
    return new Listing((after) => {
      const query = after === undefined ? (request.query ?? {}) : { ...request.query, starting_after: after };
      return this.call<Page>({ ...request, query }, options);
    });
  }

  listen<Event>(request: Request, options: ListenOptions = {}): EventStream<Event> {
    const { url, init } = this.#prepare(request, null);
    return new EventStream<Event>({
      connect: async (lastEventId, signal) => {
        const headers = new Headers(init.headers);
        if (lastEventId !== null) headers.set("Last-Event-ID", lastEventId);
        const response = await this.#fetch(url, { ...init, headers, signal });
        if (!response.ok) throw await problemOf(response);
        return response;
      },
      read: (data) => readJson(data, wideFields) as Event,
      ...options,
    });
  }

  #prepare(request: Request, key: string | null): { url: string; init: RequestInit } {
    const headers = new Headers();
    if (request.accept !== "") headers.set("Accept", `${request.accept}, application/problem+json;q=0.9`);
    if (this.#token !== null) headers.set("Authorization", `Bearer ${this.#token}`);
    if (key !== null) headers.set("Idempotency-Key", checkedKey(key));
    // A redirect would carry the token elsewhere.
    const init: RequestInit = { method: request.method, headers, cache: "no-store", redirect: "error" };
    if (request.body !== undefined && request.mediaType !== undefined) {
      headers.set("Content-Type", request.mediaType);
      init.body = /json/.test(request.mediaType) ? writeJson(request.body) : (request.body as BodyInit);
    }
    return { url: this.baseUrl + request.path + queryOf(request.query), init };
  }

  async #once(request: Request, { url, init }: { url: string; init: RequestInit }, key: string | null, options: CallOptions): Promise<unknown> {
    const attempt = new AbortController();
    const stop = () => attempt.abort(options.signal?.reason);
    options.signal?.throwIfAborted();
    options.signal?.addEventListener("abort", stop);
    const timer = setTimeout(() => attempt.abort(new TapstoneError("too slow")), options.timeoutMs ?? this.#options.timeoutMs ?? defaultTimeoutMs);
    try {
      const response = await this.#fetch(url, { ...init, signal: attempt.signal });
      if (!response.ok) throw await problemOf(response);
      return await answerOf(request, response);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof TapstoneError && error !== attempt.signal.reason) throw error;
      throw new NoAnswerError(`no answer to ${request.method} ${request.path}`, key, error);
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", stop);
    }
  }
}

async function answerOf(request: Request, response: Response): Promise<unknown> {
  switch (request.answer) {
    case "json":
      return readJson(await response.text(), wideFields);
    case "bytes":
      return new Uint8Array(await response.arrayBuffer());
    case "text":
      return await response.text();
    default:
      await response.body?.cancel();
      return undefined;
  }
}

/** Reads a problem document; another page than that (a proxy's, say) has its status only. */
async function problemOf(response: Response): Promise<ApiError> {
  let members: { [name: string]: unknown } = {};
  try {
    const body = readJson(await response.text(), new Set());
    if (typeof body === "object" && body !== null && !Array.isArray(body)) members = body as typeof members;
  } catch {
    // The status says enough.
  }
  const word = (name: string) => (typeof members[name] === "string" ? members[name] : null);
  return errorOf({
    status: response.status,
    code: word("code") ?? "unknown",
    title: word("title") ?? "",
    detail: word("detail") ?? "",
    field: word("field"),
    requestId: word("request_id") ?? response.headers.get("Request-Id"),
    retryAfterMs: retryAfterMs(response.headers.get("Retry-After")),
    members,
  });
}

/** A path's part. An empty one, `.` and `..` would name another resource. */
export function segment(value: string): string {
  if (value === "" || value === "." || value === "..") throw new TapstoneError(`not an id: "${value}"`);
  return encodeURIComponent(value);
}

function queryOf(query: object = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((item: unknown) => [name, item] as const));
  const given = pairs.filter(([, value]) => value !== undefined && value !== null);
  return given.length === 0 ? "" : `?${given.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).join("&")}`;
}

function checkedBase(base: string): string {
  if (!URL.canParse(base)) throw new TapstoneError("baseUrl is not a URL");
  const { protocol, username, password, search, hash } = new URL(base);
  if (!/^https?:$/.test(protocol) || username !== "" || password !== "" || search !== "" || hash !== "") {
    throw new TapstoneError("baseUrl must be an http or https URL without user, query and fragment");
  }
  return base.replace(/\/+$/, "");
}

function checkedToken(token: string | undefined): string | null {
  if (token === undefined) return null;
  if (!/^[!-~]+$/.test(token)) throw new TapstoneError("the token is empty or has characters that no token has");
  return token;
}

function checkedKey(key: string): string {
  if (!/^[!-~]{1,255}$/.test(key)) throw new TapstoneError("an idempotency key is 1 to 255 visible ASCII characters");
  return key;
}
