/** Chromium, signed in: from the start of the page's script to the first picture, after a reload of the wall and of a stream's page. */
import { openBrowser, playerWhen, signIn, withoutBrowser } from '../e2e/browser.js';
import { atMost, type Figure, median, percentile, printFigures, told } from './figures.js';
import { startShipped } from './shipped.js';

const rounds = 20;

if (withoutBrowser !== false) {
  process.stdout.write(`not measured: ${withoutBrowser}\n`);
  process.exit();
}
await using weir = await startShipped();
await using browser = await openBrowser();
const page = await browser.newPage();
await signIn(page, weir);
await playerWhen(page, 'test', (player) => player.hasPicture && player.picture === 'source', 'shows the source');

const figures: Figure[] = [];
for (const [name, path] of [
  ['the wall', '/'],
  ['a stream’s page', '/streams/test'],
] as const) {
  const first: number[] = [];
  const latency: number[] = [];
  await page.goto(`${weir.url}${path}`);
  await playerWhen(page, 'test', (player) => player.firstPictureMs !== undefined, 'shows a picture');
  for (let round = 0; round < rounds; round += 1) {
    await page.reload({ waitUntil: 'commit' });
    const facts = await playerWhen(page, 'test', (player) => player.firstPictureMs !== undefined && player.framesDecoded > 10, 'shows a picture');
    first.push(facts.firstPictureMs ?? Number.NaN);
    latency.push(facts.latencyMs);
  }
  figures.push(
    atMost(`script start to first picture, ${name}, median`, median(first), 300, 'ms'),
    told('  slowest', percentile(first, 1), 'ms'),
    told('  then publish to display, median', median(latency), 'ms'),
  );
}
printFigures(figures);
