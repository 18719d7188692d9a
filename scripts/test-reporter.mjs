/** Prints a line per test file and the whole of what failed; quiet about what passed. */
import { relative } from 'node:path';

export default async function* report(source) {
  const counts = new Map();
  for await (const { type, data } of source) {
    if (type === 'test:stdout' || type === 'test:stderr') {
      if (process.env.WEIR_TEST_OUTPUT !== undefined) yield data.message;
      continue;
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed') yield failure(data);
    if (data.nesting === 0 && data.file !== undefined) {
      const count = counts.get(data.file) ?? { tests: 0, ms: 0 };
      counts.set(data.file, { tests: count.tests + 1, ms: count.ms + data.details.duration_ms });
    }
  }
  for (const [file, { tests, ms }] of [...counts].sort((a, b) => b[1].ms - a[1].ms).slice(0, 12)) {
    yield `  ${(ms / 1000).toFixed(1).padStart(6)} s  ${String(tests).padStart(3)} tests  ${relative(process.cwd(), file)}\n`;
  }
}

function failure({ name, file, line, details }) {
  const error = details.error?.cause ?? details.error;
  const text = error?.stack ?? String(error);
  return `\n✗ ${name}\n  ${file === undefined ? '' : `${relative(process.cwd(), file)}:${line}`}\n${String(text).replace(/^/gm, '    ')}\n\n`;
}
