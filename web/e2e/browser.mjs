/** The browser that the end-to-end tests drive, and the arguments they are run with. */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values } = parseArgs({
  options: {
    base: { type: "string", default: "http://127.0.0.1:8080" },
    screenshots: { type: "string", default: fileURLToPath(new URL("out", import.meta.url)) },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});

export const base = values.base.replace(/\/$/, "");
mkdirSync(values.screenshots, { recursive: true });

export const launch = () =>
  chromium.launch({
    executablePath: values.chromium,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

/** Photographs the page when its fonts are loaded and its finite animations are over. */
export async function photograph(page, name) {
  await page.evaluate(async () => {
    await document.fonts.ready;
    const finite = document.getAnimations().filter((animation) => animation.effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(finite.map((animation) => animation.finished));
  });
  await page.screenshot({ path: `${values.screenshots}/${name}.png` });
}
