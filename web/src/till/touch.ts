/** Touching the demo's drawn tag: the customer's phone opens beside the till. */
import { signal } from "@preact/signals";
import { Api } from "../shared/api.ts";

/** The link that the last touch made. */
export const touchedLink = signal<string | null>(null);
export const touchFailed = signal(false);

export const phoneWindow = "tapstone-wallet";

export function forgetTouch(): void {
  touchedLink.value = null;
  touchFailed.value = false;
}

export async function touch(tag: string): Promise<void> {
  // Before anything is awaited: a window opened later than the click would be blocked.
  const phone = window.open("", phoneWindow, "popup,width=430,height=900");
  touchFailed.value = false;
  try {
    const { url } = await new Api(null).touchTag(tag);
    touchedLink.value = url;
    if (phone !== null) {
      phone.location.href = url;
      phone.focus();
    }
  } catch {
    touchFailed.value = true;
  }
}
