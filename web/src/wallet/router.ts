/** Which screen the address stands for. Screens live in the hash, so that Back works as on any phone. */
import { signal } from "@preact/signals";

export type Screen =
  | { readonly name: "home" }
  | { readonly name: "activity" }
  | { readonly name: "settings" }
  | { readonly name: "receipt"; readonly payment: string };

export const screen = signal<Screen>(screenOf(location.hash));

addEventListener("hashchange", () => (screen.value = screenOf(location.hash)));

function screenOf(hash: string): Screen {
  const [name, argument] = hash.slice(1).split("/", 2);
  if (name === "activity" || name === "settings") return { name };
  if (name === "receipt" && argument) return { name, payment: argument };
  return { name: "home" };
}

export const links = {
  home: "#home",
  activity: "#activity",
  settings: "#settings",
  receipt: (payment: string) => `#receipt/${payment}`,
};

/** The tap that the address brings: a link just read from a tag, or a tap opened before a reload. */
export type Arrival = { readonly url: string } | { readonly tap: string } | null;

export function arrival(): Arrival {
  if (location.pathname === "/t") return { url: location.href };
  const tap = new URLSearchParams(location.search).get("tap");
  return tap === null ? null : { tap };
}

/** Replaces the tag's link by the opened tap's address, so that a reload never replays the link. */
export function showTapInAddress(tap: string): void {
  history.replaceState(null, "", `/wallet?tap=${encodeURIComponent(tap)}`);
}

/** Leaves the tap: the address is the wallet's own again. */
export function leaveTapAddress(hash = ""): void {
  history.replaceState(null, "", `/wallet${hash}`);
  screen.value = screenOf(location.hash);
}
