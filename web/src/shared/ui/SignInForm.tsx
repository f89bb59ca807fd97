/** Signing in with a pasted token or key: it is tried before it is kept. */
import { useSignal } from "@preact/signals";
import { words } from "../i18n/index.ts";
import { ApiProblem } from "../problems.ts";
import { Notice } from "./common.tsx";

interface SignInFormProps {
  readonly label: string;
  readonly hint: string;
  readonly action: string;
  readonly refused: string;
  /** Rejects when the secret is not known. */
  readonly onSecret: (secret: string) => Promise<void>;
}

export function SignInForm({ label, hint, action, refused, onSecret }: SignInFormProps) {
  const secret = useSignal("");
  const busy = useSignal(false);
  const failure = useSignal<string | null>(null);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (busy.value || secret.value.trim() === "") return;
    busy.value = true;
    failure.value = null;
    try {
      await onSecret(secret.value.trim());
    } catch (error) {
      const known = error instanceof ApiProblem && error.status < 500 && error.status !== 429;
      failure.value = known ? refused : words.value.common.offlineTitle;
    } finally {
      busy.value = false;
    }
  }

  return (
    <form class="sign-in-form" onSubmit={submit}>
      <label class="field">
        <span>{label}</span>
        <input
          class="input"
          type="password"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={secret}
          onInput={(event) => (secret.value = event.currentTarget.value)}
        />
        <small>{hint}</small>
      </label>
      {failure.value !== null && <Notice tone="bad" title={failure.value} />}
      <button class="button primary" type="submit" disabled={busy.value || secret.value.trim() === ""}>
        {busy.value && <span class="spinner" />}
        {action}
      </button>
    </form>
  );
}
