/**
 * Verifies webhooks as Standard Webhooks has them (HMAC-SHA256 over id, timestamp and body). Give it the body as it came,
 * byte for byte: JSON that was read and written again has another signature.
 */
import { TapstoneError } from "./errors.ts";
import { wideFields, type Event } from "./generated/types.ts";
import { readJson } from "./json.ts";

export class WebhookError extends TapstoneError {
  override name = "WebhookError";
}

export interface WebhookOptions {
  /** How far the timestamp may be from now, in seconds; 300 unless told otherwise. */
  readonly toleranceSeconds?: number | undefined;
  /** The time to compare with, in milliseconds. */
  readonly nowMs?: number | undefined;
}

/** A request's headers: of `fetch`, or of Node's `http`. */
export type WebhookHeaders = Headers | { readonly [name: string]: string | readonly string[] | undefined };

/**
 * The event that a webhook carries. Throws `WebhookError` unless one of the signatures was made with one of the secrets
 * (`whsec_…`; two while they are rotated) and the timestamp is of now. Deliveries may come twice: go by the event's id.
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: WebhookHeaders,
  secrets: string | readonly string[],
  { toleranceSeconds = 300, nowMs = Date.now() }: WebhookOptions = {},
): Promise<Event> {
  const [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => header(headers, name));
  if (!id || !timestamp || !signatures) throw new WebhookError("the webhook has no id, timestamp or signature");
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookError("the webhook's timestamp is not a number");
  if (Math.abs(Math.floor(nowMs / 1000) - Number(timestamp)) > toleranceSeconds) throw new WebhookError("the webhook's timestamp is too far from now");
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), bytes);
  const keys = await Promise.all((typeof secrets === "string" ? [secrets] : secrets).map(keyOf));
  if (keys.length === 0) throw new WebhookError("there is no secret to verify with");
  if (!(await isSigned(signed, signatures, keys))) throw new WebhookError("no signature of the webhook is right");
  try {
    return readJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes), wideFields) as Event;
  } catch (cause) {
    throw new WebhookError("the webhook is signed, and not JSON", { cause });
  }
}

/** `subtle.verify` compares in constant time; a wrong secret tries all signatures. */
async function isSigned(signed: Uint8Array<ArrayBuffer>, signatures: string, keys: readonly CryptoKey[]): Promise<boolean> {
  let right = false;
  for (const signature of signatures.split(" ").slice(0, 20)) {
    const [version, encoded] = signature.split(",");
    const given = version === "v1" && encoded !== undefined ? fromBase64(encoded) : null;
    if (given === null) continue;
    for (const key of keys) right = (await crypto.subtle.verify("HMAC", key, given, signed)) || right;
  }
  return right;
}

async function keyOf(secret: string): Promise<CryptoKey> {
  const bytes = fromBase64(secret.replace(/^whsec_/, ""));
  if (bytes === null || bytes.length === 0) throw new WebhookError("a webhook secret is whsec_ and base64");
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

function header(headers: WebhookHeaders, name: string): string | null {
  if (headers instanceof Headers) return headers.get(name);
  const found = Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];
  return typeof found === "string" ? found : (found?.[0] ?? null);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
