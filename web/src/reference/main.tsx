/** The browsable API reference: `/reference`, drawn from the server's own /openapi.json. */
import { effect } from "@preact/signals";
import { render } from "preact";
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "../shared/styles/base.css";
import "../shared/styles/components.css";
import "./reference.css";
import { theme } from "../shared/settings.ts";
import { Header } from "./Header.tsx";

const systemDark = matchMedia("(prefers-color-scheme: dark)");

function applyDark(): void {
  const dark = theme.value === "dark" || (theme.value === "system" && systemDark.matches);
  document.documentElement.classList.toggle("dark-mode", dark);
}
effect(applyDark);
systemDark.addEventListener("change", applyDark);

const root = document.getElementById("app");
if (root) {
  render(<Header />, root);
  SwaggerUI({
    url: "/openapi.json",
    dom_id: "#reference",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    // The default would send the description to a validator on the internet.
    validatorUrl: null,
  });
}
