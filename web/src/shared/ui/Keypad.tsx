/** A money keypad. It also takes the keyboard's digits while it is on the screen and no field has the focus. */
import type { Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { keyOfKeyboard, pressKey, type Key } from "../entry.ts";
import { words } from "../i18n/index.ts";
import { decimalsOf } from "../money.ts";
import { BackspaceIcon } from "./icons.tsx";

interface KeypadProps {
  /** A signal, not a value: two keys may be pressed before the screen is drawn again. */
  readonly entry: Signal<string>;
  readonly currency: string;
}

const digits: readonly Key[] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

export function Keypad({ entry, currency }: KeypadProps) {
  const { common } = words.value;
  const press = (key: Key) => void (entry.value = pressKey(entry.value, key, currency));

  useEffect(() => {
    const type = (event: KeyboardEvent) => {
      const key = keyOfKeyboard(event.key);
      if (key === null || event.ctrlKey || event.metaKey || event.altKey || inField(event.target)) return;
      event.preventDefault();
      press(key);
    };
    addEventListener("keydown", type);
    return () => removeEventListener("keydown", type);
  }, [entry, currency]);

  return (
    <div class="keypad" role="group" aria-label={common.keypad}>
      {digits.map((digit) => (
        <button key={digit} type="button" onClick={() => press(digit)}>
          {digit}
        </button>
      ))}
      {decimalsOf(currency) === 0 ? (
        <span class="empty" />
      ) : (
        <button type="button" aria-label={common.decimalPoint} onClick={() => press(".")}>
          .
        </button>
      )}
      <button type="button" onClick={() => press("0")}>
        0
      </button>
      <button type="button" aria-label={common.deleteDigit} onClick={() => press("delete")}>
        <BackspaceIcon />
      </button>
    </div>
  );
}

function inField(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && target.type !== "radio";
}
