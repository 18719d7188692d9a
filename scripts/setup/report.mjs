/** Progress lines of set-up: one per step, with the time it took. */

/** A failure that a person can mend; printed without a stack. */
export class SetupError extends Error {}

const paint = process.stdout.isTTY ? (code, text) => `\u001B[${code}m${text}\u001B[0m` : (_code, text) => text;

/** Runs `work` and says every ten seconds that it goes on, for what is silent for minutes: `still installing npm packages (40 s)`. */
export async function withProgress(note, what, work, everyMs = 10_000) {
  const started = performance.now();
  const timer = setInterval(() => note(`still ${what} (${Math.round((performance.now() - started) / 1000)} s)`), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Runs one step and reports it. A step returns a short fact for its line, or undefined to stay silent when nothing was to do. */
export async function step(title, run) {
  const started = performance.now();
  const announce = setTimeout(() => process.stdout.write(`  … ${title}\n`), 700);
  try {
    const fact = await run((note) => process.stdout.write(`    ${note}\n`));
    clearTimeout(announce);
    if (fact === undefined) return;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`  ${paint(32, '✓')} ${title}: ${fact}${Number(seconds) >= 0.2 ? ` (${seconds} s)` : ''}\n`);
  } catch (error) {
    clearTimeout(announce);
    process.stdout.write(`  ${paint(31, '✗')} ${title}\n`);
    throw error;
  }
}
