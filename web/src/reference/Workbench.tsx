/** Examples in three languages that follow what is typed here, and a button that runs them against this server. */
import { useSignal } from "@preact/signals";
import { curlSample, exampleCall, pythonSample, typescriptSample, type Call, type Value } from "../../../clients/generator/src/samples.ts";
import type { Group, Operation } from "../../../clients/generator/src/model.ts";
import type { Field } from "../../../clients/generator/src/shape.ts";
import { readJson } from "../../../clients/typescript/src/json.ts";
import { words } from "../shared/i18n/index.ts";
import { pretty } from "./pretty.ts";
import { Runner } from "./Runner.tsx";
import { api, style, withSeenIds, type Style } from "./state.ts";
import { KeyField } from "./KeyField.tsx";

const styles: readonly (readonly [Style, string])[] = [
  ["curl", "curl"],
  ["typescript", "TypeScript"],
  ["python", "Python"],
];

export function Workbench({ group, operation }: { group: Group; operation: Operation }) {
  const { reference } = words.value;
  const known = api.value;
  const example = withSeenIds<Call>(known ? exampleCall(known, operation) : { path: {}, query: {}, body: undefined });
  const path = useSignal(example.path);
  const query = useSignal(example.query);
  const written = useSignal(example.body === undefined ? "" : operation.body?.writing === "json" ? pretty(example.body) : String(example.body));
  if (!known) return null;

  const body = operation.body === null || written.value === "" ? undefined : operation.body.writing === "json" ? parsed(written.value) : written.value;
  const call: Call = { path: path.value, query: query.value, body: body === unreadable ? undefined : body };
  const base = location.origin;
  const sample = {
    curl: () => curlSample(operation, call, base),
    typescript: () => typescriptSample(known, group.name, operation, call, base),
    python: () => pythonSample(known, group.name, operation, call, base),
  }[style.value]();

  return (
    <aside class="workbench">
      <div class="sample">
        <div class="sample-tabs" role="tablist" aria-label={reference.example}>
          {styles.map(([name, label]) => (
            <button key={name} type="button" role="tab" aria-selected={style.value === name} onClick={() => (style.value = name)}>
              {label}
            </button>
          ))}
          <CopyButton text={sample} />
        </div>
        <pre role="tabpanel">
          <code>{sample}</code>
        </pre>
      </div>
      <div class="card padded inputs">
        <Inputs fields={operation.pathParameters} values={path.value} onChange={(values) => (path.value = values)} />
        <Inputs fields={operation.query} values={query.value} onChange={(values) => (query.value = values)} />
        {operation.body && (
          <label>
            <span class="label">{reference.body}</span>
            <textarea rows={Math.min(14, written.value.split("\n").length + 1)} spellcheck={false} value={written.value} aria-invalid={body === unreadable} onInput={(event) => (written.value = event.currentTarget.value)} />
          </label>
        )}
        {operation.security.length > 0 && <KeyField />}
        <Runner operation={operation} call={{ ...call, body: operation.body && written.value !== "" ? written.value : undefined }} />
      </div>
    </aside>
  );
}

const unreadable = Symbol("not JSON");

/** Half-typed JSON is no body yet. */
function parsed(text: string): Value | typeof unreadable {
  try {
    return readJson(text, new Set()) as Value;
  } catch {
    return unreadable;
  }
}

interface InputsProps {
  readonly fields: readonly Field[];
  readonly values: Readonly<Record<string, string>>;
  readonly onChange: (values: Readonly<Record<string, string>>) => void;
}

function Inputs({ fields, values, onChange }: InputsProps) {
  return (
    <>
      {fields.map(({ name, required }) => (
        <label key={name}>
          <span class="label">{name}</span>
          <input required={required} spellcheck={false} autocomplete="off" value={values[name] ?? ""} onInput={(event) => onChange({ ...values, [name]: event.currentTarget.value })} />
        </label>
      ))}
    </>
  );
}

function CopyButton({ text }: { text: string }) {
  const { reference } = words.value;
  const copied = useSignal("");
  // Browsers have a clipboard on secure addresses only.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (!clipboard) return null;
  return (
    <button class="copy" type="button" onClick={() => void clipboard.writeText(text).then(() => (copied.value = text))}>
      {copied.value === text ? reference.copied : reference.copy}
    </button>
  );
}
