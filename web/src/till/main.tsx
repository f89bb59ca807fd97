/** The shop's till: `/till`. */
import { effect } from "@preact/signals";
import { render } from "preact";
import "../shared/styles/base.css";
import "../shared/styles/components.css";
import "./till.css";
import { lookForDemo } from "../shared/demo.ts";
import { App } from "./App.tsx";
import { chime } from "./chime.ts";
import { listen } from "./live.ts";
import { hearPayment, readPayments } from "./payments.ts";
import { catchUp, hear, state } from "./register.ts";

void lookForDemo();
listen([
  { hear, catchUp: () => void catchUp() },
  { hear: hearPayment, catchUp: () => void readPayments() },
]);
effect(() => {
  if (state.value.at === "paid") chime();
});

const root = document.getElementById("app");
if (root) render(<App />, root);
