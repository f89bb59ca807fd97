/**
 * The whole tap in a real browser, as the cashier and the shopper see it. Runs against a server in demo
 * mode: `npm run e2e -- --base http://127.0.0.1:8080 [--screenshots DIR]`.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { base, launch, photograph } from "./browser.mjs";
import { ask, choose, newVisitor, openTill, payButton, phone, signedLink, tagOf, touchTag, type } from "./people.mjs";
import { expectHeading, expectNoText, expectText } from "./see.mjs";

let browser;
let context;
let complaints;

before(async () => {
  browser = await launch();
});
after(() => browser.close());
beforeEach(async () => {
  ({ context, complaints } = await newVisitor(browser));
});
afterEach(async () => {
  await leaveCountersEmpty();
  await context.close();
  assert.deepEqual(complaints, []);
});

/** Cancels what a failed test left waiting, so that the next one finds an empty counter. */
async function leaveCountersEmpty() {
  for (const page of context.pages().filter((open) => new URL(open.url()).pathname === "/till")) {
    const cancel = page.getByRole("main").getByRole("button", { name: /^(Cancel|取消)$/ });
    if (await cancel.isVisible().catch(() => false)) {
      await cancel.click();
      await expectText(page, /Cancelled|已取消/);
    }
  }
}

/** A phone of its own, away from the till's browser window. */
async function openPhone(url) {
  const wallet = await context.newPage();
  await wallet.setViewportSize(phone);
  await wallet.goto(url);
  return wallet;
}

test("12.50 is asked, touched, confirmed, and seen on both sides", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await type(till, "12.5");
  await expectText(till, "Ask for 12.50 CNY");
  await till.getByLabel("Description").fill("Jasmine tea");
  await photograph(till, "till-keypad");
  await till.getByRole("button", { name: "Ask for 12.50 CNY" }).click();
  await expectText(till, "Waiting for the customer");
  await expectText(till, "12.50 CNY");
  await expectText(till, "Runs out in");
  await photograph(till, "till-waiting");

  const wallet = await touchTag(till);
  await expectHeading(wallet, "Sign in to pay");
  await photograph(wallet, "wallet-sign-in");
  await choose(wallet, /Mei/);
  await expectHeading(wallet, /Lantern Tea/);
  await expectText(wallet, "12.50 CNY");
  await expectText(wallet, "Jasmine tea");
  await expectText(wallet, "left to confirm");
  assert.match(wallet.url(), /\/wallet\?tap=tap_/, "the tag's link is gone from the address");
  await expectText(till, "Phone touched, waiting for confirmation");
  await photograph(wallet, "wallet-confirm");

  await payButton(wallet).click();
  await expectHeading(wallet, "Paid");
  await expectText(wallet, "12.50 CNY");
  await expectText(wallet, "Lantern Tea");
  await expectText(wallet, /pay_[0-9a-z]{26}/);
  await expectHeading(till, "Paid 12.50 CNY");
  await Promise.all([photograph(wallet, "wallet-receipt"), photograph(till, "till-paid")]);

  await till.getByRole("button", { name: "Next customer" }).click();
  await expectText(till.getByRole("complementary"), "12.50 CNY");
  await wallet.getByRole("button", { name: "Done" }).click();
  await expectHeading(wallet, "Hello, Mei");
  await expectText(wallet, "−12.50 CNY");
  await photograph(wallet, "wallet-home");
});

test("a cashier needs only the keyboard", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await expectText(till, "Ask to be paid");
  await till.keyboard.type("12.507");
  await till.keyboard.press("Backspace");
  await expectText(till, "Ask for 12.50 CNY");
  await till.keyboard.press("Enter");
  await expectText(till, "Waiting for the customer");
  await expectText(till, "12.50 CNY");
});

test("a wrong token is refused in words, the right one signs in", async () => {
  const wallet = await openPhone(`${base}/wallet`);
  await wallet.getByLabel("Wallet token").fill("wt_not_a_token");
  await wallet.getByRole("button", { name: "Sign in" }).click();
  await expectText(wallet, "This token is not known");
  const token = await wallet.evaluate(async () => {
    const world = await (await fetch("/demo/world")).json();
    return world.wallets.find((person) => person.name.includes("Luca")).token;
  });
  await wallet.getByLabel("Wallet token").fill(token);
  await wallet.getByRole("button", { name: "Sign in" }).click();
  await expectHeading(wallet, /Hello, Luca/);
  await wallet.getByRole("link", { name: "Settings" }).click();
  await wallet.getByRole("button", { name: "Sign out" }).click();
  await expectHeading(wallet, "Your wallet");
});

test("a reload in the middle loses nothing and pays nothing twice", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await ask(till, "3");
  await till.reload();
  await expectText(till, "Waiting for the customer");
  await expectText(till, "3.00 CNY");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await expectText(wallet, "3.00 CNY");
  await wallet.reload();
  await expectHeading(wallet, /Lantern Tea/);
  await payButton(wallet).dblclick();
  await expectHeading(wallet, "Paid");
  await expectHeading(till, "Paid 3.00 CNY");
  await wallet.reload();
  await expectHeading(wallet, "Receipt");
  await expectText(wallet, "3.00 CNY");
});

test("the customer types the amount of an open order", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await till.getByRole("button", { name: "Let the customer type the amount" }).click();
  await expectText(till, "The customer types the amount");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await expectText(wallet, "How much do you pay?");
  assert.equal(await payButton(wallet).isDisabled(), true, "nothing typed, nothing to pay");
  await type(wallet, "8.888");
  await expectText(wallet, "Pay 8.88 CNY");
  await photograph(wallet, "wallet-amount");
  await payButton(wallet).click();
  await expectHeading(wallet, "Paid");
  await expectHeading(till, "Paid 8.88 CNY");
});

test("a standing tag takes payments one after another", async () => {
  const till = await openTill(context, /Lantern Tea/, /Standing|固定/);
  await expectHeading(till, "Ready all day");
  await photograph(till, "till-standing");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await type(wallet, "2.2");
  await payButton(wallet).click();
  await expectHeading(till, "Paid 2.20 CNY");
  await till.getByRole("button", { name: "Next customer" }).click();
  await tagOf(till).click();
  await expectText(wallet, "How much do you pay?");
  await type(wallet, "1");
  await payButton(wallet).click();
  await expectHeading(till, "Paid 1.00 CNY");
});

test("touching before the shop has typed the amount waits for it", async () => {
  const till = await openTill(context, /Lantern Tea/);
  // An order is needed to draw the tag; its link is then used after the order is gone.
  await ask(till, "1");
  const link = await signedLink(till);
  const blank = context.pages().find((page) => page !== till);
  await blank?.close();
  await till.getByRole("button", { name: "Cancel" }).click();
  await expectHeading(till, "Cancelled");
  await till.getByRole("button", { name: "Next customer" }).click();
  const again = await signedLinkOf(till, link);
  const wallet = await openPhone(again);
  await choose(wallet, /Mei/);
  await expectHeading(wallet, "The shop has not entered an amount yet");
  await photograph(wallet, "wallet-no-amount-yet");
  await ask(till, "6.60");
  await expectHeading(wallet, /Lantern Tea/);
  await expectText(wallet, "6.60 CNY");
  await payButton(wallet).click();
  await expectHeading(till, "Paid 6.60 CNY");
});

/** A fresh link of the shop's first counter tag, asked for as the drawn tag does. */
async function signedLinkOf(till) {
  return till.evaluate(async () => {
    const tag = localStorage.getItem("tapstone.till.tag");
    const answer = await fetch(`/demo/tags/${tag}/touch`, { method: "POST" });
    return (await answer.json()).url;
  });
}

test("a copied link and a forged link are refused in words, on both sides", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await ask(till, "5");
  const link = await signedLinkOf(till);
  const wallet = await openPhone(link);
  await choose(wallet, /Mei/);
  await expectHeading(wallet, /Lantern Tea/);

  await wallet.goto(link);
  await expectHeading(wallet, "This touch was used before");
  await expectText(till, "Refused: an old touch was used again");
  await photograph(wallet, "wallet-replayed");

  const forged = new URL(await signedLinkOf(till));
  const signature = forged.searchParams.get("c") ?? "";
  forged.searchParams.set("c", (signature[0] === "0" ? "1" : "0") + signature.slice(1));
  await wallet.goto(forged.href);
  await expectHeading(wallet, "This tag is not genuine");
  await expectText(till, "Refused: the phone read a tag that is not genuine");
  await photograph(wallet, "wallet-forged");
  await photograph(till, "till-refused");

  await wallet.goto(`${base}/t?e=00&c=zz`);
  await expectHeading(wallet, "This link is not complete");
});

test("another person's tap is not theirs to pay", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await ask(till, "5.10");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await expectText(wallet, "5.10 CNY");
  const address = wallet.url();
  const other = await newVisitor(browser, { viewport: phone });
  const stranger = await other.context.newPage();
  await stranger.goto(address);
  await choose(stranger, /Luca/);
  await expectHeading(stranger, "This payment is not for this wallet");
  await expectNoText(stranger, "5.10");
  await other.context.close();
  assert.deepEqual(other.complaints, []);
});

test("time to confirm runs out on the phone", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await ask(till, "5.20");
  const link = await signedLinkOf(till);
  const wallet = await context.newPage();
  await wallet.clock.install();
  await wallet.setViewportSize(phone);
  await wallet.goto(link);
  await choose(wallet, /Mei/);
  await expectText(wallet, "5.20 CNY");
  await wallet.clock.fastForward("30:00");
  await expectHeading(wallet, /That took too long|The shop's request has run out/);
  await expectText(wallet, "Nothing was paid.");
});

test("an order runs out on the till, and a shop's own system can use it as its screen", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await expectText(till, "Ask to be paid");
  await till.evaluate(async () => {
    const stored = (name) => localStorage.getItem(`tapstone.till.${name}`);
    await fetch("/v1/orders", {
      method: "POST",
      headers: { Authorization: `Bearer ${stored("key")}`, "Content-Type": "application/json" },
      body: JSON.stringify({
        tag: stored("tag"),
        amount: { amount: 1905, currency: "CNY" },
        description: "From the cash register",
        expires_in_seconds: 30,
      }),
    });
  });
  await expectText(till, "19.05 CNY");
  await expectText(till, "From the cash register");
  await till.getByRole("heading", { name: "The request has run out" }).waitFor({ timeout: 45_000 });
});

test("an order cancelled meanwhile is not paid", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await ask(till, "7.70");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await expectText(wallet, "7.70 CNY");
  await till.getByRole("button", { name: "Cancel" }).click();
  await expectHeading(till, "Cancelled");
  await payButton(wallet).click();
  await expectHeading(wallet, "The shop cancelled this");
  await expectText(wallet, "Nothing was paid.");
});

test("too little money is said on both screens, and another wallet can still pay", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await ask(till, "99999.99");
  const wallet = await touchTag(till);
  await choose(wallet, /Sam/);
  await expectText(wallet, "99,999.99 CNY");
  await payButton(wallet).click();
  await expectHeading(wallet, "Not enough money");
  const missing = await minorUnits(wallet, "Missing");
  assert.equal(missing, 9999999n - (await minorUnits(wallet, "You have")), "what is missing is exact");
  await expectText(till, "Not enough money in the customer's wallet. Still waiting.");
  await Promise.all([photograph(wallet, "wallet-not-enough"), photograph(till, "till-declined")]);
});

async function minorUnits(wallet, name) {
  const row = wallet.locator("dl > div").filter({ hasText: name });
  return BigInt((await row.locator("dd").innerText()).replace(/\D/g, ""));
}

test("three decimals and none", async () => {
  const till = await openTill(context, /Souq Al Bahar/);
  await ask(till, "2.7509");
  await expectText(till, "2.750 KWD");
  const wallet = await touchTag(till);
  await choose(wallet, /Noor/);
  await expectText(wallet, "Pay 2.750 KWD");
  await photograph(wallet, "wallet-kwd");
  await payButton(wallet).click();
  await expectHeading(wallet, "Paid");
  await expectHeading(till, "Paid 2.750 KWD");
});

test("yen have no decimal key", async () => {
  const till = await openTill(context, /Kissa Hoshi|喫茶ほし/);
  assert.equal(await till.getByRole("button", { name: "Decimal point" }).count(), 0);
  await ask(till, "480");
  await expectText(till, "480 JPY");
  await expectNoText(till, "480.00");
  const wallet = await touchTag(till);
  await choose(wallet, /Aiko/);
  await payButton(wallet).click();
  await expectHeading(wallet, "Paid");
  await expectHeading(till, "Paid 480 JPY");
});

test("no network: both screens say so, and the payment happens once when it is back", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await ask(till, "4.40");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await expectText(wallet, "4.40 CNY");
  const keys = new Set();
  let posts = 0;
  context.on("request", (request) => {
    if (request.method() !== "POST" || !request.url().endsWith("/v1/payments")) return;
    posts++;
    keys.add(request.headers()["idempotency-key"]);
  });
  await context.setOffline(true);
  await expectText(till, "This device is offline");
  await payButton(wallet).click();
  await expectText(wallet, "You cannot be charged twice");
  await Promise.all([photograph(wallet, "wallet-offline"), photograph(till, "till-offline")]);
  await context.setOffline(false);
  await expectHeading(wallet, "Paid");
  await expectHeading(till, "Paid 4.40 CNY");
  assert.ok(posts > 1, "it was tried again");
  assert.equal(keys.size, 1, "always the same request");
});

test("an answer that is lost after the money moved is found by asking again", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await ask(till, "9.09");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await expectText(wallet, "9.09 CNY");
  let lost = false;
  await wallet.route("**/v1/payments", async (route) => {
    if (lost || route.request().method() !== "POST") return route.continue();
    lost = true;
    await route.fetch();
    await route.abort("connectionreset");
  });
  await payButton(wallet).click();
  await expectHeading(wallet, "Paid");
  await expectHeading(till, "Paid 9.09 CNY");
  assert.ok(lost);
  await wallet.getByRole("button", { name: "Done" }).click();
  await expectText(wallet, "−9.09 CNY");
});

test("a reload while the answer is still out finds the same payment, without another press", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await ask(till, "9.19");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await expectText(wallet, "9.19 CNY");
  const keys = [];
  await wallet.route("**/v1/payments", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) return route.continue();
    // The server does it, and its answer never comes.
    await route.fetch();
  });
  await payButton(wallet).click();
  await expectHeading(till, "Paid 9.19 CNY");
  await expectText(wallet, "Paying");
  await wallet.reload();
  await expectHeading(wallet, "Paid");
  await expectText(wallet, "9.19 CNY");
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1], "the same request");
});

test("a busy server is asked again after the time it names", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await ask(till, "2");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await expectText(wallet, "2.00 CNY");
  let refusedAt = 0;
  let askedAgainAt = 0;
  await wallet.route("**/v1/payments", async (route) => {
    if (refusedAt === 0) {
      refusedAt = Date.now();
      const problem = { status: 503, code: "overloaded", title: "busy", request_id: "req_1" };
      return route.fulfill({ status: 503, headers: { "Retry-After": "2" }, json: problem });
    }
    askedAgainAt ||= Date.now();
    return route.continue();
  });
  await payButton(wallet).click();
  await expectText(wallet, "A moment, please");
  await expectHeading(wallet, "Paid");
  assert.ok(askedAgainAt - refusedAt >= 2000, "not before Retry-After");
});

test("a counter that is already in use offers to go on or cancel", async () => {
  const first = await openTill(context, /Lantern Tea/);
  const other = await newVisitor(browser);
  const second = await openTill(other.context, /Lantern Tea/);
  // The second till is typing while the first asks, so it keeps its keypad.
  await type(second, "6");
  await ask(first, "5.55");
  await second.getByRole("button", { name: "Ask for 6.00 CNY" }).click();
  await expectHeading(second, "A request already waits at this tag");
  await photograph(second, "till-busy");
  await second.getByRole("button", { name: "Cancel it" }).click();
  await expectHeading(first, "Cancelled");
  await expectText(second, "Ask for 6.00 CNY");
  await other.context.close();
  assert.deepEqual(other.complaints, []);
});

test("the stream down: the till asks by itself and still gets it right", async () => {
  const till = await openTill(context, /Lantern Tea/);
  await till.route("**/v1/events", (route) => route.abort());
  await till.reload();
  await expectText(till, "Connection lost");
  await ask(till, "1.23");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await payButton(wallet).click();
  await expectHeading(wallet, "Paid");
  await expectHeading(till, "Paid 1.23 CNY");
});

test("Chinese, in the dark", async () => {
  await context.close();
  ({ context, complaints } = await newVisitor(browser, { locale: "zh-CN", colorScheme: "dark" }));
  const till = await openTill(context, "灯笼茶");
  await type(till, "88.8");
  await photograph(till, "till-keypad-zh-dark");
  await till.getByRole("button", { name: "收款 88.80 CNY" }).click();
  await expectText(till, "等待顾客付款");
  await photograph(till, "till-waiting-zh-dark");
  const wallet = await touchTag(till);
  await expectHeading(wallet, "登录后付款");
  await choose(wallet, /小美/);
  await expectHeading(wallet, "灯笼茶");
  await expectText(wallet, "支付 88.80 CNY");
  await photograph(wallet, "wallet-confirm-zh-dark");
  await payButton(wallet).click();
  await expectHeading(wallet, "支付成功");
  await expectHeading(till, "已收款 88.80 CNY");
  await Promise.all([photograph(wallet, "wallet-receipt-zh-dark"), photograph(till, "till-paid-zh-dark")]);
  await wallet.getByRole("button", { name: "完成" }).click();
  await wallet.getByRole("link", { name: "设置" }).click();
  await wallet.getByLabel("English").check();
  await expectHeading(wallet, "Settings");
  await wallet.getByLabel("Light").check();
  assert.equal(await wallet.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "light");
  await photograph(wallet, "wallet-settings");
});

test("the landing page and the API reference", async () => {
  const page = await context.newPage();
  await page.goto(`${base}/`);
  await expectHeading(page, "Tap. Confirm. Paid.");
  await expectText(page, "Try it in three steps");
  await photograph(page, "landing");
  await page.getByRole("link", { name: "API reference" }).first().click();
  await expectText(page, "/v1/orders");
  await photograph(page, "reference");
});

test("the reference's examples can be read in three languages, typed into, and run", async () => {
  const page = await context.newPage();
  await page.goto(`${base}/reference#createOrder`);
  await expectHeading(page, "Create an order");
  await page.getByRole("button", { name: "Run" }).click();
  await expectText(page, "unauthenticated");
  await page.getByRole("button", { name: "Lantern Tea" }).click();

  await page.getByRole("link", { name: "List tags" }).click();
  await page.getByRole("button", { name: "Run" }).click();
  await expectText(page, '"has_more": false');
  await page.getByRole("link", { name: "Create an order" }).click();
  const body = page.getByLabel("Body");
  assert.doesNotMatch(await body.inputValue(), /01h455vb4pex5vsknk084sn02q/, "the tag is one that exists");
  await body.fill((await body.inputValue()).replace(/1250/, "9007199254740993"));
  await expectText(page, /curl -s .*-H "Authorization: Bearer \$TAPSTONE_TOKEN"/s);
  await page.getByRole("tab", { name: "TypeScript" }).click();
  await expectText(page, /tapstone\.orders\.create\(.*amount: 9007199254740993n/s);
  await page.getByRole("tab", { name: "Python" }).click();
  await expectText(page, /tapstone\.orders\.create\(.*"amount": 9007199254740993/s);
  await page.getByRole("button", { name: "Run" }).click();
  await expectText(page, "201");
  await expectText(page, /"status": "open"/);
  await expectText(page, /"amount": 9007199254740993/);
  await photograph(page, "reference-run");

  await page.getByRole("link", { name: "Cancel an order" }).click();
  await page.getByRole("button", { name: "Run" }).click();
  await expectText(page, /"status": "cancelled"/);
  await page.reload();
  await expectHeading(page, "Cancel an order");
  assert.equal(await page.getByLabel(/Key or token/).inputValue(), "", "the token is forgotten");
  assert.equal(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }).includes("mk_demo")), false);
});

test("a payment that is not certain yet is not called paid, until it is", async () => {
  const till = await openTill(context, /Lantern Tea/);
  // In a sandbox this amount is under way for a minute.
  await type(till, "4000.03");
  await till.getByRole("button", { name: "Ask for 4,000.03 CNY" }).click();
  await expectText(till, "Waiting for the customer");
  const wallet = await touchTag(till);
  await choose(wallet, /Mei/);
  await payButton(wallet).click();
  await expectHeading(wallet, "On its way");
  await expectNoText(wallet, "Paid");
  await photograph(wallet, "wallet-under-way");
  await wallet.evaluate(async () => {
    const headers = { Authorization: "Bearer op_demo_operator", "Content-Type": "application/json" };
    await fetch("/v1/sandbox/clock", { method: "POST", headers, body: JSON.stringify({ advance_seconds: 61 }) });
  });
  await expectHeading(wallet, "Paid");
  await expectHeading(till, "Paid 4,000.03 CNY");
});
