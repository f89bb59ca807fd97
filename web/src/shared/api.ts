/**
 * The one client of the HTTP contract. It adds the bearer token (a header, never part of a URL), reads
 * problem+json into `ApiProblem`, and turns every way of getting no answer into `NoAnswer`.
 *
 * It repeats a request only where that cannot do a thing twice: reads, and posts with an idempotency key.
 */
import { learnServerTime } from "./clock.ts";
import { readJson, writeJson } from "./json.ts";
import { ApiProblem, NoAnswer } from "./problems.ts";
import { repeat, type Trouble } from "./retry.ts";
import type { Balance, DemoWorld, HistoryEntry, Money, Named, Order, Page, Payment, Tag, Tap, Wallet } from "./types.ts";

const timeoutMs = 10_000;

export interface CallOptions {
  /** Gives up when aborted. */
  readonly signal?: AbortSignal;
  /** Keep trying until an answer decides, and tell this function why it takes longer. */
  readonly untilAnswered?: (trouble: Trouble | null) => void;
}

/** A new idempotency key. `randomUUID` needs a secure context, which a till on a plain LAN address is not. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Api {
  constructor(readonly token: string | null) {}

  readonly createOrder = (
    order: { tag: string; amount: Money; description?: string } | { tag: string; currency: string; description?: string },
    key: string,
    options?: CallOptions,
  ) => this.#post<Order>("/v1/orders", order, key, options);
  readonly order = (id: string, options?: CallOptions) => this.#get<Order>(`/v1/orders/${path(id)}`, options);
  /** Withdraws an order that waits. One that was paid meanwhile stays paid: nothing is refunded behind the cashier's back. */
  readonly cancelOrder = (id: string, key: string, options?: CallOptions) =>
    this.#post<Order>(`/v1/orders/${path(id)}/cancel`, { if_paid: "refuse" }, key, options);
  readonly tags = () => this.#all<Tag>("/v1/tags");
  readonly merchant = () => this.#get<Named>("/v1/merchants/me");

  readonly openTap = (url: string, key: string, options?: CallOptions) =>
    this.#post<Tap>("/v1/taps", { url }, key, options);
  readonly tap = (id: string, options?: CallOptions) => this.#get<Tap>(`/v1/taps/${path(id)}`, options);
  readonly pay = (payment: { tap: string; amount?: Money }, key: string, options?: CallOptions) =>
    this.#post<Payment>("/v1/payments", payment, key, options);

  readonly payment = (id: string, options?: CallOptions) => this.#get<Payment>(`/v1/payments/${path(id)}`, options);
  readonly payments = (limit: number, after?: string) => this.#get<Page<Payment>>(`/v1/payments${cursor(limit, after)}`);
  readonly wallet = (options?: CallOptions) => this.#get<Wallet>("/v1/wallets/me", options);
  readonly balances = async () => (await this.#get<{ data: readonly Balance[] }>("/v1/wallets/me/balances")).data;
  readonly history = (limit: number, after?: string) =>
    this.#get<Page<HistoryEntry>>(`/v1/wallets/me/history${cursor(limit, after)}`);

  /** null where the server does not run as a demo. */
  readonly demoWorld = async (): Promise<DemoWorld | null> => {
    try {
      return await this.#get<DemoWorld>("/demo/world");
    } catch (error) {
      if (error instanceof ApiProblem) return null;
      throw error;
    }
  };
  /** The demo's software tag signs a fresh URL, as a touched tag does. Without a key: each touch is a new one. */
  readonly touchTag = (tag: string) => once<{ url: string }>(this.token, "POST", `/demo/tags/${path(tag)}/touch`);

  #get<Answer>(resource: string, options: CallOptions = {}): Promise<Answer> {
    return repeat(() => once<Answer>(this.token, "GET", resource, undefined, undefined, options.signal), options);
  }

  #post<Answer>(resource: string, body: object, key: string, options: CallOptions = {}): Promise<Answer> {
    return repeat(() => once<Answer>(this.token, "POST", resource, body, key, options.signal), options);
  }

  async #all<Item extends { readonly id: string }>(resource: string): Promise<readonly Item[]> {
    const items: Item[] = [];
    for (;;) {
      const page = await this.#get<Page<Item>>(resource + cursor(100, items.at(-1)?.id));
      items.push(...page.data);
      if (!page.has_more || page.data.length === 0) return items;
    }
  }
}

const path = encodeURIComponent;

function cursor(limit: number, after: string | undefined): string {
  return `?limit=${limit}${after === undefined ? "" : `&starting_after=${path(after)}`}`;
}

/** One request, one answer. */
async function once<Answer>(
  token: string | null,
  method: "GET" | "POST",
  resource: string,
  body?: object,
  key?: string,
  signal?: AbortSignal,
): Promise<Answer> {
  const headers = new Headers({ Accept: "application/json, application/problem+json" });
  if (token !== null) headers.set("Authorization", `Bearer ${token}`);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  if (key !== undefined) headers.set("Idempotency-Key", key);
  const given = body === undefined ? {} : { body: writeJson(body) };
  const { response, text } = await exchange(resource, { method, headers, cache: "no-store", ...given }, signal);
  learnServerTime(response.headers.get("Date"));
  if (!response.ok) throw problemOf(response, text);
  try {
    return readJson(text) as Answer;
  } catch (cause) {
    throw new NoAnswer("the answer was cut short", { cause });
  }
}

async function exchange(
  resource: string,
  request: RequestInit,
  signal: AbortSignal | undefined,
): Promise<{ response: Response; text: string }> {
  const attempt = new AbortController();
  const stop = () => attempt.abort();
  const timer = setTimeout(stop, timeoutMs);
  signal?.addEventListener("abort", stop);
  try {
    const response = await fetch(resource, { ...request, signal: attempt.signal });
    return { response, text: await response.text() };
  } catch (cause) {
    signal?.throwIfAborted();
    throw new NoAnswer("no answer", { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

function problemOf(response: Response, text: string): ApiProblem {
  let members: Record<string, unknown> = {};
  try {
    const body: unknown = JSON.parse(text);
    if (body !== null && typeof body === "object") members = body as Record<string, unknown>;
  } catch {
    // A proxy's error page: the status says enough.
  }
  const word = (name: string) => (typeof members[name] === "string" ? members[name] : null);
  const code = word("code") ?? (response.status === 401 ? "unauthenticated" : "unknown");
  const requestId = word("request_id") ?? response.headers.get("Request-Id");
  return new ApiProblem(response.status, code, requestId, retryAfterOf(response), members);
}

function retryAfterOf(response: Response): number | null {
  const header = response.headers.get("Retry-After");
  if (header === null) return null;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
