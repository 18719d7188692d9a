/** Counts the tests (not the groups around them) and keeps the reason of each skip; one JSON object at the end. */
export default async function* summarise(source) {
  const summary = { passed: 0, failed: 0, skipped: [], failures: [] };
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details?.type === 'suite') continue;
    if (data.skip !== undefined)
      summary.skipped.push({ name: data.name, reason: data.skip === true || data.skip === '' ? 'NO REASON GIVEN' : data.skip });
    else if (type === 'test:pass') summary.passed += 1;
    else if (data.details.error?.failureType !== 'subtestsFailed') {
      summary.failed += 1;
      summary.failures.push(data.name);
    }
  }
  yield JSON.stringify(summary);
}
