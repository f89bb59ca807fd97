/** The landing page: `/`. */
import { render } from "preact";
import "../shared/styles/base.css";
import "../shared/styles/components.css";
import "./landing.css";
import { lookForDemo } from "../shared/demo.ts";
import { Landing } from "./Landing.tsx";

void lookForDemo();
const root = document.getElementById("app");
if (root) render(<Landing />, root);
