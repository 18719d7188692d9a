/** Debian's Chromium for the end-to-end tests, and what they ask of a page. */
import { existsSync, readFileSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { waitFor } from '../testkit/index.js';
import { adminPassword, type Weir } from './weir.js';

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

/** Reason to skip where there is no browser, else false. */
export const withoutBrowser = program === undefined ? 'Chromium is not installed here' : false;

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a browser without a window. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: program ?? '/usr/bin/chromium', args: [...quiet, '--autoplay-policy=no-user-gesture-required'] });
}

/** Signs in through the form and waits for the wall. */
export async function signIn(page: Page, weir: Weir, username = 'admin', password = adminPassword): Promise<void> {
  await page.goto(weir.url);
  await page.locator('input[autocomplete="username"]').fill(username);
  await page.locator('input[type="password"]').fill(password);
  await page.keyboard.press('Enter');
  // On a phone it is folded away.
  await page.locator('nav').first().waitFor({ state: 'attached' });
}

/** Notes what the page complains of: faults of its code, and errors on its console. */
export function keepComplaints(page: Page, into: string[]): void {
  page.on('pageerror', (error) => into.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    // Who is not signed in yet is told so.
    if (message.type() === 'error' && !message.text().includes('401')) into.push(`${page.url()}: ${message.text()} ${message.location().url}`);
  });
}

/** What the player of a stream tells of itself. */
export interface PlayerFacts {
  phase: string;
  hasPicture: boolean;
  picture: string | undefined;
  framesDecoded: number;
  epoch: string;
  epochs: number;
  sequence: number;
  gaps: number;
  jumps: number;
  rebuilds: number;
  latencyMs: number;
  firstPictureMs: number | undefined;
}

export function playerFacts(page: Page, streamId: string): Promise<PlayerFacts | undefined> {
  return page.evaluate((id) => {
    const players = (globalThis as unknown as { weirPlayers?: Map<string, { snapshot: () => unknown }> }).weirPlayers;
    return players?.get(id)?.snapshot();
  }, streamId) as Promise<PlayerFacts | undefined>;
}

/** Waits until the player is as wanted; a failure tells how it was. */
export async function playerWhen(
  page: Page,
  streamId: string,
  isSo: (facts: PlayerFacts) => boolean,
  what: string,
  deadlineMs = 30_000,
): Promise<PlayerFacts> {
  let last: PlayerFacts | undefined;
  try {
    return await waitFor(
      async () => {
        last = await playerFacts(page, streamId);
        return last !== undefined && isSo(last) ? last : undefined;
      },
      { deadlineMs, what: `player of ${streamId}: ${what}`, everyMs: 30 },
    );
  } catch (error) {
    throw new Error(`${String(error)}\nlast: ${JSON.stringify(last)}`);
  }
}

/**
 * Starts to note the frame number of every picture the browser presents, once each. Returns a function that takes what was noted since the last call;
 * a picture without a readable number (the no-signal picture) is noted as -1.
 */
export async function countFrames(page: Page, streamId: string): Promise<() => Promise<number[]>> {
  const reader = readFileSync(new URL('../media/frame-counter.js', import.meta.url), 'utf8').replaceAll(/^export /gm, '');
  // Text, because it runs in the page: this program is compiled without the types of a browser.
  await page.evaluate(`(() => {
    ${reader}
    const video = window.weirPlayers.get(${JSON.stringify(streamId)}).video;
    const canvas = new OffscreenCanvas(16, 16);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    window.seenFrames = [];
    let last;
    const look = () => {
      // A call may come so late that the video already shows the next picture; that one is then called for once more.
      const picture = new VideoFrame(video);
      if (picture.timestamp !== last) {
        last = picture.timestamp;
        canvas.width = picture.displayWidth;
        canvas.height = Math.ceil(canvas.width / frameCounterLayout.blocksPerWidth);
        context.drawImage(picture, 0, 0);
        const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
        window.seenFrames.push(readFrameCounter(pixels.data, canvas.width, canvas.height) ?? -1);
      }
      picture.close();
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  })()`);
  return () => page.evaluate<number[]>('window.seenFrames.splice(0)');
}
