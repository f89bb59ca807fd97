/** Who is signed in on this device. */
import { computed, signal } from "@preact/signals";
import { Api } from "../shared/api.ts";
import { keptForever } from "../shared/storage.ts";

const keptToken = keptForever("wallet.token");

/** Whether the server stopped knowing the token, so that the sign-in screen can say why it appears. */
export const refused = signal(false);

const token = signal<string | null>(keptToken.read());

/** The client of the signed-in wallet; null when nobody is signed in. */
export const api = computed(() => (token.value === null ? null : new Api(token.value)));

/** Signs in; rejects when the server does not know the token. */
export async function signIn(candidate: string): Promise<void> {
  await new Api(candidate).wallet();
  keptToken.write(candidate);
  refused.value = false;
  token.value = candidate;
}

export function signOut(because: "asked" | "refused" = "asked"): void {
  keptToken.forget();
  refused.value = because === "refused";
  token.value = null;
}
