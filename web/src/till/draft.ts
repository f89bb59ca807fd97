/** What the cashier is typing. It outlives the screens, so that a busy tag or a lost network loses nothing. */
import { signal } from "@preact/signals";

export const entry = signal("");
export const description = signal("");

export function clearDraft(): void {
  entry.value = "";
  description.value = "";
}
