/** The people or shops of the demo, to sign in as by name. */
import { useSignal } from "@preact/signals";
import { nameOf, words } from "../i18n/index.ts";
import type { Named } from "../types.ts";
import { Avatar, OfflineNotice } from "./common.tsx";
import { ChevronIcon } from "./icons.tsx";

interface DemoChoicesProps<Choice extends Named> {
  readonly title: string;
  readonly text: string;
  readonly choices: readonly Choice[];
  readonly onChoose: (choice: Choice) => Promise<void>;
}

export function DemoChoices<Choice extends Named>({ title, text, choices, onChoose }: DemoChoicesProps<Choice>) {
  const failed = useSignal(false);

  async function choose(choice: Choice): Promise<void> {
    failed.value = false;
    try {
      await onChoose(choice);
    } catch {
      failed.value = true;
    }
  }

  return (
    <section class="demo-choices">
      <h2 class="label">{title}</h2>
      <p class="soft small">{text}</p>
      {failed.value && <OfflineNotice>{words.value.common.loadFailed}</OfflineNotice>}
      <ul class="choices">
        {choices.map((choice) => (
          <li key={choice.id}>
            <button class="choice" type="button" onClick={() => void choose(choice)}>
              <Avatar name={nameOf(choice)} />
              <strong class="grow">{nameOf(choice)}</strong>
              <ChevronIcon />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
