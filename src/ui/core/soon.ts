/** Many reasons within a moment, one run. */

/** A function that runs `work` once, `waitMs` (default 400) after the first of its calls. */
export function soon(work: () => void, waitMs = 400): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      work();
    }, waitMs);
  };
}
