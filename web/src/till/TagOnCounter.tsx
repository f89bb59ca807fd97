/** The drawn tag with its label. In the demo it is a real one: touching it opens the customer's phone. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { demoWorld } from "../shared/demo.ts";
import { words } from "../shared/i18n/index.ts";
import type { Tag } from "../shared/types.ts";
import { Notice } from "../shared/ui/common.tsx";
import { ContactlessIcon } from "../shared/ui/icons.tsx";
import { TagStand } from "../shared/ui/TagStand.tsx";
import { forgetTouch, phoneWindow, touch, touchedLink, touchFailed } from "./touch.ts";

export function TagOnCounter({ tag }: { tag: Tag }) {
  const { till } = words.value;
  useEffect(() => forgetTouch, []);
  if (demoWorld.value === null)
    return (
      <figure class="counter-tag" role="img" aria-label={till.tagDrawing(tag.label)}>
        <TagStand calling />
        <figcaption>
          <strong>{tag.label}</strong>
          <span class="soft">{till.waitingText}</span>
        </figcaption>
      </figure>
    );
  return (
    <div class="counter-tag">
      <button class="touchable" type="button" aria-label={`${till.touchTheTag}: ${tag.label}`} onClick={() => void touch(tag.id)}>
        <TagStand calling />
        <span class="touch-hint">
          <ContactlessIcon size={20} />
          {till.touchTheTag}
        </span>
      </button>
      <strong>{tag.label}</strong>
      <TouchedLink />
      {touchFailed.value && <Notice tone="warn" title={words.value.common.loadFailed} />}
    </div>
  );
}

/** The link of the last touch, for a phone that is not in this browser. */
function TouchedLink() {
  const { till } = words.value;
  const copied = useSignal<string | null>(null);
  const link = touchedLink.value;
  if (link === null) return <small class="soft">{till.touchHint}</small>;

  async function copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      copied.value = text;
    } catch {
      // Not allowed here: the link itself can still be copied by hand.
    }
  }

  return (
    <p class="touched-link">
      <a href={link} target={phoneWindow} title={till.openWallet}>
        {link}
      </a>
      <button class="button" type="button" onClick={() => void copy(link)}>
        {copied.value === link ? till.copied : till.copy}
      </button>
    </p>
  );
}
