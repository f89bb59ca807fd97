/** What the reference shows, and what its visitor has typed. The token stays in this page's memory. */
import { computed, signal } from "@preact/signals";
import { readApi, type Api, type Group, type Operation } from "../../../clients/generator/src/model.ts";
import type { Json } from "../../../clients/generator/src/shape.ts";

export const api = signal<Api | null>(null);
export const loadFailed = signal(false);

export const token = signal("");

/** The language that examples are shown in. */
export type Style = "curl" | "typescript" | "python";
export const style = signal<Style>("curl");

/** The operation that the address names, as in `/reference#createOrder`. */
const named = signal(location.hash.slice(1));
addEventListener("hashchange", () => {
  named.value = location.hash.slice(1);
  scrollTo(0, 0);
});

export const selected = computed<{ group: Group; operation: Operation } | null>(() => {
  for (const group of api.value?.groups ?? []) {
    for (const operation of group.operations) if (operation.id === named.value) return { group, operation };
  }
  return null;
});

export async function loadApi(): Promise<void> {
  try {
    const answer = await fetch("/openapi.json");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    api.value = readApi((await answer.json()) as Json);
  } catch (error) {
    console.error(error);
    loadFailed.value = true;
  }
}

const typeId = /^([a-z]{2,4})_[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** The last id of each kind that an answer named, so that the next example has one that exists. */
const seen = new Map<string, string>();

export function rememberIds(value: unknown): void {
  if (typeof value === "string") {
    const kind = typeId.exec(value)?.[1];
    if (kind !== undefined) seen.set(kind, value);
  } else if (Array.isArray(value)) {
    // The first of a list is the newest.
    for (const item of [...value].reverse()) rememberIds(item);
  } else if (typeof value === "object" && value !== null) {
    const { id, ...others } = value as { id?: unknown };
    for (const other of Object.values(others)) rememberIds(other);
    rememberIds(id);
  }
}

/** The value with ids that exist, where any of their kind were seen. */
export function withSeenIds<Value>(value: Value): Value {
  if (typeof value === "string") return (seen.get(typeId.exec(value)?.[1] ?? "") ?? value) as Value;
  if (Array.isArray(value)) return value.map(withSeenIds) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, withSeenIds<unknown>(field)])) as Value;
}
