/** The words in the person's language. Reading `words.value` in a component redraws it on a change. */
import { computed } from "@preact/signals";
import { language } from "../settings.ts";
import type { Named } from "../types.ts";
import { en, type Words } from "./en.ts";
import { zh } from "./zh.ts";

export type { ProblemWords, Words } from "./en.ts";

export const words = computed<Words>(() => (language.value === "zh" ? zh : en));

/** The name in the person's language, where it has one. */
export function nameOf(named: Pick<Named, "name" | "name_zh">): string {
  return language.value === "zh" && named.name_zh !== null ? named.name_zh : named.name;
}

const locale = () => (language.value === "zh" ? "zh-CN" : "en-GB");

/** "22 Nov 2026, 12:30:05" */
export function formatDateTime(time: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium" }).format(new Date(time));
}

/** "12:30" */
export function formatTime(time: string): string {
  return new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" }).format(new Date(time));
}

/** "Today", "Yesterday" or "22 November 2026". */
export function formatDay(time: string, now: Date): string {
  const date = new Date(time);
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (date.toDateString() === now.toDateString()) return words.value.common.today;
  if (date.toDateString() === yesterday.toDateString()) return words.value.common.yesterday;
  return new Intl.DateTimeFormat(locale(), { dateStyle: "long" }).format(date);
}
