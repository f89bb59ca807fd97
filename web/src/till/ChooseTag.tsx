/** Which tag stands on this counter. */
import { nameOf, words } from "../shared/i18n/index.ts";
import type { Tag } from "../shared/types.ts";
import { ScreenTitle } from "../shared/ui/common.tsx";
import { ChevronIcon, ContactlessIcon } from "../shared/ui/icons.tsx";
import { chooseTag } from "./session.ts";

export function ChooseTag({ tags }: { tags: readonly Tag[] }) {
  const { till } = words.value;
  return (
    <main class="choose-tag">
      <div>
        <ScreenTitle>{till.chooseTag}</ScreenTitle>
        <p class="soft">{till.chooseTagText}</p>
      </div>
      {tags.length === 0 && <p class="soft">{till.noTags}</p>}
      <ul class="choices">
        {tags.map((tag) => (
          <li key={tag.id}>
            <button class="choice" type="button" disabled={!tag.active} onClick={() => chooseTag(tag.id)}>
              <span class="badge">
                <ContactlessIcon />
              </span>
              <span class="grow">
                <strong>{tag.label}</strong>
                <small>{[nameOf(tag.store), tag.till?.name].filter(Boolean).join(" · ")}</small>
              </span>
              <span class="choice-side">
                <strong>{tag.active ? (tag.mode === "standing" ? till.modeStanding : till.modeTill) : till.tagInactive}</strong>
                <small>
                  {tag.mode === "standing" ? till.modeStandingText : till.modeTillText} · {tag.currency}
                </small>
              </span>
              <ChevronIcon />
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}
