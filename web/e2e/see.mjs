/** What a person sees on a page: visible text, waited for. */
import assert from "node:assert/strict";

/** Waits until the text can be seen. */
export async function expectText(page, text) {
  try {
    await page.getByText(text).filter({ visible: true }).first().waitFor();
  } catch (cause) {
    const seen = await page.locator("body").innerText();
    throw new Error(`"${text}" was not seen on ${page.url()}; there was:\n${seen}`, { cause });
  }
}

/** Waits until the screen's heading is this. */
export async function expectHeading(page, name) {
  try {
    await page.getByRole("heading", { level: 1, name }).filter({ visible: true }).waitFor();
  } catch (cause) {
    const seen = await page.locator("body").innerText();
    throw new Error(`the heading "${name}" was not seen on ${page.url()}; there was:\n${seen}`, { cause });
  }
}

export async function expectNoText(page, text) {
  assert.equal(await page.getByText(text).filter({ visible: true }).count(), 0, `"${text}" must not be seen`);
}
