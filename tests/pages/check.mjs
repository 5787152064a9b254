// Opens every page of a folder in Chromium and says what is wrong with it: node check.mjs FOLDER
//
// Nothing found is the only success. A tool that is missing is a failure.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";

const SCREENS = { phone: { width: 360, height: 640 }, small: { width: 320, height: 568 }, tablet: { width: 1024, height: 768 } };
const A4 = { format: "A4", preferCSSPageSize: true, printBackground: false };

const folder = resolve(process.argv[2] ?? fail("name a folder of pages"));
const files = readdirSync(folder).filter((name) => name.endsWith(".html")).sort();
if (files.length === 0) fail(`no pages in ${folder}`);

const browser = await chromium.launch({
  executablePath: process.env.BEDSIDE_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
const scratch = mkdtempSync(join(tmpdir(), "bedside-pages-"));
let faults = 0;
let sheets = 0;
try {
  for (const file of files) {
    for (const fault of await look(file)) {
      faults += 1;
      console.error(`${file}: ${fault}`);
    }
  }
} finally {
  await browser.close();
  rmSync(scratch, { recursive: true, force: true });
}
if (faults > 0) fail(`${faults} faults`);
console.log(`${files.length} pages, ${sheets} sheets of A4, ${Object.keys(SCREENS).length} screens: nothing found.`);

async function look(file) {
  // Scripts are axe's alone: a page has none, and its policy forbids them.
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  const found = [];
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) found.push(`asks for ${request.url()}`);
  });
  page.on("console", (message) => found.push(`the browser complains: ${message.text()}`));
  await page.goto(pathToFileURL(join(folder, file)).href);
  for (const [name, size] of Object.entries(SCREENS)) {
    await page.setViewportSize(size);
    found.push(...(await accessibility(page)).map((fault) => `${name}: ${fault}`));
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    if (content > window) found.push(`${name}: ${content} pixels wide, and the screen has ${window}`);
  }
  found.push(...(await printed(page, file)));
  await context.close();
  return found;
}

async function accessibility(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/** Prints on A4 and reads what is on each sheet. */
async function printed(page, file) {
  const pdf = join(scratch, `${file}.pdf`);
  writeFileSync(pdf, await page.pdf(A4));
  const pages = execFileSync("pdftotext", ["-enc", "UTF-8", pdf, "-"], { encoding: "utf8" }).split("\f").slice(0, -1);
  sheets += pages.length;
  const [name, ...facts] = await page.evaluate(() => [...document.querySelectorAll("header h1, header li")].map((e) => e.textContent.trim()));
  const found = [];
  pages.forEach((text, at) => {
    const words = text.replace(/\s+/g, " ");
    for (const part of [name, ...facts]) {
      if (!words.includes(part.replace(/\s+/g, " "))) found.push(`sheet ${at + 1} of ${pages.length} does not say "${part}"`);
    }
  });
  if (file.includes("summary") && pages.length !== 1) found.push(`${pages.length} sheets instead of one`);
  const all = pages.join(" ").replace(/\s+/g, "");
  const missing = await page.evaluate(() => [...document.querySelectorAll("main p, main dd, main dt, main h2, main span")].map((e) => e.textContent));
  const lost = missing.filter((text) => !all.includes(text.replace(/\s+/g, "")) && !splits(text, all));
  if (lost.length > 0) found.push(`not on paper: ${lost.slice(0, 3).join(" | ")}`);
  return found;
}

/** True when every word is on paper: an answer may go on under the banner of the next sheet. */
function splits(text, all) {
  return text.split(/\s+/).every((word) => all.includes(word));
}

function fail(why) {
  console.error(`error: ${why}`);
  process.exit(1);
}
