/** Counts the tests of a run (not the groups around them) while it goes on, and keeps the reason of each skip and what failed in which file. */
export function summarise(events) {
  const summary = { passed: 0, failed: 0, skipped: [], failures: [] };
  const note = (hasPassed) => (data) => {
    if (data.details?.type === 'suite') return;
    if (data.skip !== undefined)
      summary.skipped.push({ name: data.name, reason: data.skip === true || data.skip === '' ? 'NO REASON GIVEN' : data.skip });
    else if (hasPassed) summary.passed += 1;
    else if (data.details.error?.failureType !== 'subtestsFailed') {
      summary.failed += 1;
      summary.failures.push({ name: data.name, file: data.file ?? data.name });
    }
  };
  events.on('test:pass', note(true));
  events.on('test:fail', note(false));
  return summary;
}
