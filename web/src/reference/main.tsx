/** The API reference with examples to run: `/reference`, drawn from the server's own /openapi.json. */
import { render } from "preact";
import "../shared/styles/base.css";
import "../shared/styles/components.css";
import "./reference.css";
import { lookForDemo } from "../shared/demo.ts";
import { Page } from "./Page.tsx";
import { loadApi } from "./state.ts";

void lookForDemo();
void loadApi();
const root = document.getElementById("app");
if (root) render(<Page />, root);
