/** One operation: what it takes and gives at the left, examples to copy and to run at the right. */
import { fieldsOf, type Group, type Operation } from "../../../clients/generator/src/model.ts";
import { isObject, text, type Field, type JsonObject, type Shape } from "../../../clients/generator/src/shape.ts";
import { words } from "../shared/i18n/index.ts";
import { ScreenTitle } from "../shared/ui/common.tsx";
import { Method } from "./Page.tsx";
import { api } from "./state.ts";
import { inline, Told } from "./Told.tsx";
import { Workbench } from "./Workbench.tsx";

export function OperationView({ group, operation }: { group: Group; operation: Operation }) {
  const { reference } = words.value;
  const { pathParameters, query, body, answer, security } = operation;
  return (
    <article class="operation">
      <div>
        <a class="label" href="#">
          {group.name}
        </a>
        <ScreenTitle>{operation.summary || operation.id}</ScreenTitle>
        <p class="address">
          <Method method={operation.method} /> <code>{operation.path}</code>
        </p>
        <Told text={operation.description} />
        {security.length > 0 && (
          <p class="small soft">
            {reference.whoMay} {security.map((scheme) => scheme.replaceAll("_", " ")).join(", ")}
          </p>
        )}
        <Fields title={reference.parameters} fields={[...pathParameters, ...query]} />
        {body && <ShapeFields title={reference.body} shape={body.shape} mediaType={body.mediaType} />}
        {answer.writing !== "nothing" && <ShapeFields title={reference.answer} shape={answer.shape} mediaType={answer.mediaType} given />}
        <Problems operation={operation} />
      </div>
      <Workbench group={group} operation={operation} />
    </article>
  );
}

const shapes = () => new Map(api.value?.types.map(({ name, shape }) => [name, shape]) ?? []);

interface ShapeFieldsProps {
  readonly title: string;
  readonly shape: Shape;
  readonly mediaType: string;
  /** What the server gives is there without being required. */
  readonly given?: boolean;
}

function ShapeFields({ title, shape, mediaType, given = false }: ShapeFieldsProps) {
  const fields = fieldsOf(shape, shapes());
  if (fields.length > 0) return <Fields title={title} fields={fields} given={given} />;
  return (
    <section>
      <h2>{title}</h2>
      <p class="soft">
        <code>{mediaType}</code>
      </p>
    </section>
  );
}

function Fields({ title, fields, given = false }: { title: string; fields: readonly Field[]; given?: boolean }) {
  if (fields.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <FieldList fields={fields} given={given} depth={0} />
    </section>
  );
}

function FieldList({ fields, given, depth }: { fields: readonly Field[]; given: boolean; depth: number }) {
  const { reference } = words.value;
  return (
    <dl class="fields">
      {fields.map((field) => {
        const inner = depth < 4 ? innerFields(field.shape) : [];
        return (
          <div key={field.name}>
            <dt>
              <code>{field.name}</code> <span class="soft">{typeName(field.shape)}</span>
              {field.required && !given && <span class="required">{reference.required}</span>}
            </dt>
            <dd>
              {inline(field.description || describedBy(field.shape))}
              {inner.length > 0 && (
                <details>
                  <summary>{reference.showFields}</summary>
                  <FieldList fields={inner} given={given} depth={depth + 1} />
                </details>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

/** The fields of an object, of a list's items, or of what may be null. */
function innerFields(shape: Shape): readonly Field[] {
  if (shape.kind === "list") return innerFields(shape.item);
  if (shape.kind !== "union") return fieldsOf(shape, shapes());
  const parts = shape.shapes.filter(({ kind }) => kind !== "null");
  return parts.length === 1 && parts[0] ? innerFields(parts[0]) : [];
}

function typeName(shape: Shape): string {
  switch (shape.kind) {
    case "reference": {
      const target = shapes().get(shape.name);
      return target?.kind === "words" ? typeName(target) : shape.name;
    }
    case "words":
      return shape.words.map((word) => `"${word}"`).join(" | ");
    case "list":
      return `${typeName(shape.item)}[]`;
    case "union":
      return shape.shapes.map(typeName).join(" | ");
    case "text":
      return "string";
    case "anything":
      return "any";
    case "both":
    case "map":
      return "object";
    default:
      return shape.kind;
  }
}

function describedBy(shape: Shape): string {
  const parts = shape.kind === "union" ? shape.shapes : [shape];
  const [reference] = parts.flatMap((part) => (part.kind === "reference" ? [part.name] : []));
  return api.value?.types.find(({ name }) => name === reference)?.description ?? "";
}

/** What can go wrong, by status. */
function Problems({ operation }: { operation: Operation }) {
  const paths = api.value?.document["paths"];
  const item = isObject(paths) ? paths[operation.path] : undefined;
  const described = isObject(item) ? item[operation.method.toLowerCase()] : undefined;
  const responses = isObject(described) && isObject(described["responses"]) ? described["responses"] : {};
  const failures = Object.entries(responses).filter((entry): entry is [string, JsonObject] => /^[45]/.test(entry[0]) && isObject(entry[1]));
  if (failures.length === 0) return null;
  return (
    <section>
      <h2>{words.value.reference.problems}</h2>
      <dl class="fields problems">
        {failures.map(([status, response]) => (
          <div key={status}>
            <dt>
              <code>{status}</code>
            </dt>
            <dd>{inline(text(response["description"]))}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
