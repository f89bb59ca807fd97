/** Small pieces that every page uses. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { words } from "../i18n/index.ts";
import { OfflineIcon, WarningIcon } from "./icons.tsx";

export type Tone = "good" | "bad" | "warn" | "accent";

export function Loading({ text = words.value.common.loading }: { text?: string }) {
  return (
    <div class="center-page" role="status">
      <span class="spinner" />
      {text}
    </div>
  );
}

interface NoticeProps {
  readonly tone: Tone;
  readonly title: string;
  readonly icon?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** Something the person should know now; read out by a screen reader. */
export function Notice({ tone, title, icon = <WarningIcon />, children }: NoticeProps) {
  return (
    <div class={`notice tone-${tone}`} role="status">
      {icon}
      <div>
        {title}
        {children && <p>{children}</p>}
      </div>
    </div>
  );
}

export function OfflineNotice({ children }: { children: ComponentChildren }) {
  return (
    <Notice tone="warn" title={words.value.common.offlineTitle} icon={<OfflineIcon />}>
      {children}
    </Notice>
  );
}

/** A screen's heading. It takes the focus when the screen appears, so that a screen reader says where one is. */
export function ScreenTitle({ children }: { children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

/** Keeps the browser tab's title in the person's language. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title === "Tapstone" ? title : `${title} · Tapstone`;
  }, [title]);
}

const hues = ["#9c4a2f", "#35566b", "#5d4a73", "#3d6350", "#7a5a2c", "#6b3f4d"];

/** A square with the first letter of a name, in a colour that stays with the name. */
export function Avatar({ name }: { name: string }) {
  const sum = Array.from(name).reduce((total, letter) => total + (letter.codePointAt(0) ?? 0), 0);
  return (
    <span class="avatar" style={{ "--hue": hues[sum % hues.length] }} aria-hidden="true">
      {Array.from(name)[0]}
    </span>
  );
}
