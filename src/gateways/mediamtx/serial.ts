/** One after the other: whoever comes later sees what the earlier ones did. */

/** Runs the work when all earlier work has ended, well or not. */
export function createSerial(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
}
