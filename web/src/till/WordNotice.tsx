/** What just happened at the tag, in words for the counter. */
import { words, type Words } from "../shared/i18n/index.ts";
import { Notice, type Tone } from "../shared/ui/common.tsx";
import { ContactlessIcon, WarningIcon } from "../shared/ui/icons.tsx";
import { word, type Word } from "./register.ts";

export function WordNotice() {
  const now = word.value;
  if (now === null) return null;
  return (
    <Notice tone={toneOf(now)} title={textOf(now, words.value)} icon={now.kind === "touched" ? <ContactlessIcon /> : <WarningIcon />}>
      {now.kind === "problem" ? words.value.problems[now.code].next : null}
    </Notice>
  );
}

export function textOf(word: Word, { till, problems }: Words): string {
  switch (word.kind) {
    case "touched":
      return till.touched;
    case "refused":
      if (word.reason === "tap_invalid") return till.refusedForged;
      return word.reason === "tap_replayed" ? till.refusedReplayed : till.refusedOther;
    case "declined":
      return isDeclineReason(word.reason, till.declined) ? till.declined[word.reason] : till.declined.other;
    case "problem":
      return problems[word.code].title;
  }
}

function isDeclineReason(reason: string, known: Words["till"]["declined"]): reason is keyof Words["till"]["declined"] {
  return Object.hasOwn(known, reason);
}

function toneOf(word: Word): Tone {
  if (word.kind === "touched") return "accent";
  return word.kind === "refused" ? "bad" : "warn";
}
