/**
 * Writes the reference page's samples, and the READMEs' examples in Python, to be type-checked:
 * `write-samples.js OPENAPI_JSON CLIENTS_FOLDER`. (The READMEs' examples are also run; see `live-test.sh`.)
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readApi } from "./model.ts";
import { exampleCall, pythonSample, typescriptSample } from "./samples.ts";
import type { Json } from "./shape.ts";

const [description, clients] = process.argv.slice(2);
if (description === undefined || clients === undefined) throw new Error("usage: write-samples.js OPENAPI_JSON CLIENTS_FOLDER");

const folder = join(clients, ".build/samples");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const api = readApi(JSON.parse(readFileSync(description, "utf8")) as Json);
for (const group of api.groups) {
  for (const operation of group.operations) {
    const call = exampleCall(api, operation);
    const name = `sample_${group.name.replace(/\W/g, "_")}_${operation.name}`;
    writeFileSync(join(folder, `${name}.ts`), typescriptSample(api, group.name, operation, call, "http://127.0.0.1:8080"));
    writeFileSync(join(folder, `${name}.py`), `${pythonSample(api, group.name, operation, call, "http://127.0.0.1:8080")}\n`);
  }
}
const readme = readFileSync(join(clients, "python/README.md"), "utf8");
writeFileSync(join(folder, "readme.py"), [...readme.matchAll(/^```python\n(.*?)^```/gms)].map(([, code]) => code).join("\n"));
const options = { types: ["node"], noEmit: true, paths: { tapstone: ["../../typescript/dist/index.d.ts"] } };
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "../../tsconfig.base.json", compilerOptions: options, include: ["*.ts"] }));
