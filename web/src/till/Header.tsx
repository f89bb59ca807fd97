/** The till's top bar: which shop, which tag, sound, and the rest in a menu. */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { nameOf, words } from "../shared/i18n/index.ts";
import { SettingsIcon, SoundOffIcon, SoundOnIcon } from "../shared/ui/icons.tsx";
import { Brand } from "../shared/ui/Logo.tsx";
import { LanguageSwitch, ThemeSwitch } from "../shared/ui/Switches.tsx";
import { muted, toggleMuted } from "./chime.ts";
import { chooseTag, merchant, signOut, tag } from "./session.ts";

export function Header() {
  const { till } = words.value;
  const counter = tag.value;
  return (
    <header class="till-header">
      <Brand />
      <div class="till-place grow">
        <strong>{merchant.value === null ? "" : nameOf(merchant.value)}</strong>
        {counter !== null && (
          <small class="soft">
            {nameOf(counter.store)} · {counter.label}
          </small>
        )}
      </div>
      <button
        class="icon-button"
        type="button"
        aria-label={muted.value ? till.soundOff : till.soundOn}
        title={muted.value ? till.soundOff : till.soundOn}
        onClick={toggleMuted}
      >
        {muted.value ? <SoundOffIcon /> : <SoundOnIcon />}
      </button>
      <Menu />
    </header>
  );
}

function Menu() {
  const { common, wallet, till } = words.value;
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => closeOutside(menu), []);
  return (
    <details class="menu" ref={menu}>
      <summary class="icon-button" aria-label={wallet.settings} title={wallet.settings}>
        <SettingsIcon />
      </summary>
      <div class="menu-panel card">
        <span class="label">{common.language}</span>
        <LanguageSwitch />
        <span class="label">{common.theme}</span>
        <ThemeSwitch />
        {tag.value !== null && (
          <button class="button" type="button" onClick={() => {
              if (menu.current) menu.current.open = false;
              chooseTag(null);
            }}>
            {till.changeTag}
          </button>
        )}
        <button class="button" type="button" onClick={() => signOut()}>
          {common.signOut}
        </button>
      </div>
    </details>
  );
}

/** A press outside, or Escape, closes the menu. */
function closeOutside(menu: RefObject<HTMLDetailsElement | null>): () => void {
  const ifOutside = ({ target }: Event) => {
    if (menu.current && !(target instanceof Node && menu.current.contains(target))) menu.current.open = false;
  };
  const ifEscape = ({ key }: KeyboardEvent) => {
    if (key === "Escape" && menu.current) menu.current.open = false;
  };
  addEventListener("pointerdown", ifOutside);
  addEventListener("keydown", ifEscape);
  return () => {
    removeEventListener("pointerdown", ifOutside);
    removeEventListener("keydown", ifEscape);
  };
}
