// Holds the pictures of -view svg against a real browser: in five common fonts no
// text leaves the picture or crosses the other lifeline; what moves ends after five
// seconds, and nothing moves for a reader who wants no motion.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { browser } from './page.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fonts = ['DejaVu Sans', 'Noto Sans', 'Open Sans', 'Roboto', 'Liberation Sans'];
const runs = [
  '', '-protocol udp', '-protocol go-back-n', '-protocol selective-repeat', '-protocol stop-and-wait',
  '-protocol udp -reorder 0.4 -duplicate 0.3 -seed 3', '-every 0 -drop up:3',
  '-loss 0.15 -duplicate 0.1 -reorder 0.2 -corrupt 0.1 -jitter 3ms -seed 7',
  '-protocol go-back-n -rate 16kbit -queue 2 -rto 300ms -every 1ms',
  '-bytes 9000 -receive-buffer 3000 -read-rate 4000', '-drop up:4-1000',
];
const svg = flags => execFileSync('go', ['run', './03-tcp-reliability', '-view', 'svg', ...flags.split(' ').filter(Boolean)],
  { cwd: root, encoding: 'utf8' });

let failures = 0;
const fail = text => { failures++; console.log(text); };
const page = await browser.newPage({ viewport: { width: 1300, height: 900 } });

let texts = 0;
for (const run of runs) {
  for (const width of [390, 900, 1280]) {
    await page.setContent(`<body style="margin:0">${svg(`-width ${width} ${run}`)}`);
    for (const font of fonts) {
      const result = await page.evaluate(async font => {
        const style = document.body.appendChild(document.createElement('style'));
        style.textContent = `.lad text{font-family:"${font}"!important}`;
        await document.fonts.ready;
        const picture = document.querySelector('svg').getBoundingClientRect();
        const lines = document.querySelector('.ll').getBoundingClientRect();
        const wrong = [], all = document.querySelectorAll('svg text');
        for (const text of all) {
          const box = text.getBoundingClientRect();
          if (box.left < picture.left || box.right > picture.right || box.bottom > picture.bottom) {
            wrong.push(`leaves the picture: ${text.textContent}`);
          } else if (text.closest('[data-at]') && (box.left < lines.left - 1 || box.right > lines.right + 1)) {
            wrong.push(`crosses the other lifeline: ${text.textContent}`);
          }
        }
        style.remove();
        return { wrong, all: all.length };
      }, font);
      texts += result.all;
      for (const text of result.wrong) fail(`${run || 'the first run'}, ${width} points, ${font}: ${text}`);
    }
  }
}

const moving = svg('-animate -from 20ms -to 105ms');
for (const reducedMotion of ['no-preference', 'reduce']) {
  await page.emulateMedia({ reducedMotion });
  await page.setContent(`<body>${moving}`);
  const ends = await page.evaluate(() => document.getAnimations().map(a => a.effect.getComputedTiming().endTime));
  const last = Math.max(0, ...ends);
  if (reducedMotion === 'reduce' ? ends.length > 0 : ends.length < 10 || last > 5000) {
    fail(`reduced motion ${reducedMotion}: ${ends.length} things move, for ${last} ms`);
  }
}
await browser.close();
console.log(`${texts} texts in ${fonts.length} fonts: ${failures} failures`);
process.exit(failures ? 1 : 0);
