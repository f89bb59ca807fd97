/** The token that examples are run with. It is kept in the page's memory only; a reload forgets it. */
import { demoWorld } from "../shared/demo.ts";
import { nameOf, words } from "../shared/i18n/index.ts";
import { rememberIds, token } from "./state.ts";

export function KeyField() {
  const { reference } = words.value;
  const world = demoWorld.value;
  return (
    <div class="token-field">
      <label class="label" for="token">
        {reference.token}
      </label>
      <input id="token" type="password" autocomplete="off" spellcheck={false} placeholder="mk_… / wt_…" value={token.value} onInput={(event) => (token.value = event.currentTarget.value.trim())} />
      {world && (
        <div class="demo-keys">
          <span class="small soft">{reference.demoKeys}</span>
          {[...world.merchants, ...world.wallets].map((owner) => (
            <button
              key={owner.id}
              type="button"
              aria-pressed={token.value === ("key" in owner ? owner.key : owner.token)}
              onClick={() => {
                token.value = "key" in owner ? owner.key : owner.token;
                if ("tags" in owner) rememberIds(owner.tags);
              }}
            >
              {nameOf(owner)}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
