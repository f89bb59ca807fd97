/** What a cashier and a shopper do, in terms of what they see. */
import { expectText } from "./see.mjs";
import { base } from "./browser.mjs";

export const tablet = { width: 1024, height: 768 };
export const phone = { width: 390, height: 844 };

/** A fresh browser profile. Anything that goes wrong in its pages, or leaves for elsewhere, is collected. */
export async function newVisitor(browser, options = {}) {
  const context = await browser.newContext({ viewport: tablet, locale: "en-GB", ...options });
  const complaints = [];
  context.on("weberror", (error) => complaints.push(`uncaught: ${error.error().message}`));
  context.on("console", (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text());
  });
  context.on("request", (request) => {
    const url = new URL(request.url());
    const own = url.origin === base || ["data:", "blob:", "about:"].includes(url.protocol);
    if (!own) complaints.push(`request to ${url.origin}`);
    const secret = /(wt_|mk_|token|bearer)/i.exec(url.search + url.pathname);
    if (secret) complaints.push(`a secret in a URL: ${url.pathname}`);
  });
  context.setDefaultTimeout(15_000);
  return { context, complaints };
}

/** Opens the till of a demo shop at its first tag of the given kind, on an empty counter. */
export async function openTill(context, shop, kind = /Counter|柜台/) {
  const till = await context.newPage();
  await till.goto(`${base}/till`);
  await till.getByRole("button", { name: shop }).click();
  await till.getByRole("main").getByRole("button", { name: kind }).first().click();
  return till;
}

/** Types an amount on the till's keypad. */
export async function type(page, amount) {
  const keypad = page.getByRole("group", { name: /Amount keypad|金额键盘/ });
  for (const key of amount) {
    const name = key === "." ? /Decimal point|小数点/ : key;
    await keypad.getByRole("button", { name, exact: true }).click();
  }
}

export async function ask(till, amount) {
  await type(till, amount);
  await till.getByRole("button", { name: /^(Ask for|收款) / }).click();
  await expectText(till, /Waiting for the customer|等待顾客付款/);
}

/** The touch's link, for tests that use it otherwise than a phone would. */
export async function signedLink(till) {
  const [answer] = await Promise.all([
    till.waitForResponse((response) => response.url().includes("/demo/tags/") && response.request().method() === "POST"),
    tagOf(till).click(),
  ]);
  return (await answer.json()).url;
}

/** Touches the drawn tag: the customer's phone opens. */
export async function touchTag(till) {
  const [wallet] = await Promise.all([till.context().waitForEvent("page"), tagOf(till).click()]);
  await wallet.waitForURL(/\/(t|wallet)(\?|#|$)/);
  await wallet.setViewportSize(phone);
  return wallet;
}

export const tagOf = (till) => till.getByRole("button", { name: /Touch the tag|碰一碰标签/ });

/** Chooses a demo wallet by name, on the sign-in screen. */
export async function choose(wallet, person) {
  await wallet.getByRole("button", { name: person }).click();
}

export const payButton = (wallet) => wallet.getByRole("button", { name: /^(Pay|支付)/ });
