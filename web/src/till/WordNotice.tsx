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
      {now.kind === "problem" && now.code === "unknown" && now.requestId !== null
        ? words.value.common.requestId(now.requestId)
        : null}
    </Notice>
  );
}

function textOf(word: Word, { till }: Words): string {
  switch (word.kind) {
    case "touched":
      return till.touched;
    case "refused":
      if (word.reason === "tap_invalid") return till.refusedForged;
      return word.reason === "tap_replayed" ? till.refusedReplayed : till.refusedOther;
    case "declined":
      return wordOf(till.declined, word.reason);
    case "problem":
      return wordOf(till.problems, word.code);
  }
}

function wordOf<Known extends { readonly other: string }>(known: Known, code: string): string {
  return Object.entries(known).find(([name]) => name === code)?.[1] ?? known.other;
}

function toneOf(word: Word): Tone {
  if (word.kind === "touched") return "accent";
  return word.kind === "refused" ? "bad" : "warn";
}
