/** The reference's frame: all operations at the side, one of them or the introduction beside it. */
import type { Group } from "../../../clients/generator/src/model.ts";
import { text, isObject } from "../../../clients/generator/src/shape.ts";
import { words } from "../shared/i18n/index.ts";
import { Loading, OfflineNotice, usePageTitle } from "../shared/ui/common.tsx";
import { Brand } from "../shared/ui/Logo.tsx";
import { LanguageSwitch, ThemeSwitch } from "../shared/ui/Switches.tsx";
import { Told } from "./Told.tsx";
import { OperationView } from "./OperationView.tsx";
import { api, loadFailed, selected } from "./state.ts";
import { KeyField } from "./KeyField.tsx";

export function Page() {
  const { reference } = words.value;
  usePageTitle(reference.pageTitle);
  return (
    <>
      <header class="reference-header">
        <Brand />
        <strong class="grow soft">{reference.pageTitle}</strong>
        <a href="/openapi.json">OpenAPI</a>
        <ThemeSwitch />
        <LanguageSwitch />
      </header>
      {api.value ? <Content /> : loadFailed.value ? <OfflineNotice>{words.value.common.loadFailed}</OfflineNotice> : <Loading />}
    </>
  );
}

function Content() {
  const { reference } = words.value;
  const groups = api.value?.groups ?? [];
  const chosen = selected.value;
  return (
    <div class="reference">
      <nav aria-label={reference.operations}>
        <a href="#" aria-current={chosen ? undefined : "page"}>
          {reference.introduction}
        </a>
        {groups.map((group) => (
          <NavigationGroup key={group.name} group={group} />
        ))}
      </nav>
      <main>{chosen ? <OperationView key={chosen.operation.id} {...chosen} /> : <Introduction groups={groups} />}</main>
    </div>
  );
}

function NavigationGroup({ group }: { group: Group }) {
  return (
    <section>
      <h2>{group.name}</h2>
      {group.operations.map(({ id, method, summary }) => (
        <a key={id} href={`#${id}`} aria-current={selected.value?.operation.id === id ? "page" : undefined}>
          <span class="grow">{summary || id}</span>
          <Method method={method} />
        </a>
      ))}
    </section>
  );
}

export function Method({ method }: { method: string }) {
  return <span class={`method method-${method.toLowerCase()}`}>{method}</span>;
}

function Introduction({ groups }: { groups: readonly Group[] }) {
  const { reference } = words.value;
  const info = api.value?.document["info"];
  return (
    <article class="introduction">
      <h1>{reference.pageTitle}</h1>
      <Told text={isObject(info) ? text(info["description"]) : ""} />
      <section class="card padded">
        <h2>{reference.tryTitle}</h2>
        <p class="soft">{reference.tryText}</p>
        <KeyField />
      </section>
      {groups.map(({ name, description, operations }) => (
        <section key={name}>
          <h2>{name}</h2>
          <p class="soft">{description}</p>
          <ul class="operations">
            {operations.map(({ id, method, path, summary }) => (
              <li key={id}>
                <a href={`#${id}`}>
                  <Method method={method} />
                  <code>{path}</code>
                  <span class="soft">{summary}</span>
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </article>
  );
}
