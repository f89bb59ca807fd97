/** The demo's merchants and wallets, asked for once; null until known and where there is no demo. */
import { signal } from "@preact/signals";
import { Api } from "./api.ts";
import type { DemoWorld } from "./types.ts";

export const demoWorld = signal<DemoWorld | null>(null);
/** Whether the answer is still to come: a sign-in screen waits for it rather than jump. */
export const demoPending = signal(true);

export async function lookForDemo(): Promise<void> {
  try {
    demoWorld.value = await new Api(null).demoWorld();
  } catch {
    // No network: the sign-in screen works without the demo's list.
  } finally {
    demoPending.value = false;
  }
}
