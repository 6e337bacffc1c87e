// Makes the picture of the lab in the docs:
//
//	node picture.mjs LAB FILE     the one in the docs has 64 colours, to be small
import { both, browser, close, open, settled } from "./page.mjs";

const [lab, file] = process.argv.slice(2);
const { served } = await both(lab, "");
const page = await open(served, { viewport: { width: 1180, height: 1010 } });
await page.goto(served + "?drop=data:3&at=42");
await settled(page, "at=42");
await page.screenshot({ path: file });
await browser.close();
close();
