/** The shopper's wallet: `/wallet`, and `/t` where a touched tag leads. */
import { render } from "preact";
import "../shared/styles/base.css";
import "../shared/styles/components.css";
import "./wallet.css";
import { lookForDemo } from "../shared/demo.ts";
import { App } from "./App.tsx";

void lookForDemo();
const root = document.getElementById("app");
if (root) render(<App />, root);
