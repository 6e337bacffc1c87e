// Makes the picture of the lab in the docs:
//
//	node picture.mjs LAB FILE
import { both, browser, close, open, settled } from "./page.mjs";

const [lab, file] = process.argv.slice(2);
const { served } = await both(lab, "");
const page = await open(served, { viewport: { width: 1180, height: 1010 } });
await page.goto(served + "?drop=data:3&at=43");
await settled(page, "at=43");
await page.screenshot({ path: file });
await browser.close();
close();
