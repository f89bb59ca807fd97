/** Which merchant this till is signed in as, and which tag stands on its counter. */
import { computed, effect, signal } from "@preact/signals";
import { Api } from "../shared/api.ts";
import { ApiProblem } from "../shared/problems.ts";
import { keptForever } from "../shared/storage.ts";
import type { Named, Tag } from "../shared/types.ts";

const keptKey = keptForever("till.key");
const keptTag = keptForever("till.tag");

const key = signal<string | null>(keptKey.read());

/** The client of the signed-in merchant; null when nobody is signed in. */
export const api = computed(() => (key.value === null ? null : new Api(key.value)));
/** Whether the server stopped knowing the key, so that the sign-in screen can say why it appears. */
export const refused = signal(false);

export const merchant = signal<Named | null>(null);
export const tags = signal<readonly Tag[] | null>(null);
export const loadFailed = signal(false);

const chosenTag = signal<string | null>(keptTag.read());

/** The tag on this counter; null until the tags are known and one is chosen. */
export const tag = computed<Tag | null>(() => tags.value?.find(({ id }) => id === chosenTag.value) ?? null);

/** Signs in; rejects when the server does not know the key. */
export async function signIn(candidate: string): Promise<void> {
  await new Api(candidate).merchant();
  keptKey.write(candidate);
  refused.value = false;
  key.value = candidate;
}

export function signOut(because: "asked" | "refused" = "asked"): void {
  keptKey.forget();
  refused.value = because === "refused";
  key.value = null;
}

export function chooseTag(id: string | null): void {
  if (id === null) keptTag.forget();
  else keptTag.write(id);
  chosenTag.value = id;
}

/** Reads the shop and its tags, with the orders that wait at them. */
export async function loadShop(): Promise<void> {
  const client = api.value;
  if (client === null) return;
  try {
    const [shop, shopTags] = await Promise.all([client.merchant(), client.tags()]);
    if (client !== api.value) return;
    merchant.value = shop;
    tags.value = shopTags;
    loadFailed.value = false;
  } catch (error) {
    if (client !== api.value) return;
    if (error instanceof ApiProblem && error.code === "unauthenticated") signOut("refused");
    else loadFailed.value = true;
  }
}

effect(() => {
  if (api.value === null) {
    merchant.value = null;
    tags.value = null;
  } else {
    void loadShop();
  }
});

addEventListener("online", () => {
  if (tags.value === null) void loadShop();
});
