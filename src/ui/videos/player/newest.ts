/** From an address of one revision of a video to that of the newest. */

const waitMs = 1000;
const maxLooks = 5;

/** The address that stays: without the revision in it. Undefined for one that names none. */
export function stayingAddress(url: string): string | undefined {
  const staying = url.replace(/\/r\d+(?=\/[^/]+$)/, '');
  return staying === url ? undefined : staying;
}

/**
 * Asks what is to be played now that a file of the revision at `url` is gone: the newest one, or, when there is none newer but the file is back,
 * the same again. It looks for a few seconds, as an encode may be put in place this moment. Without `url` there is nothing, and `status` tells
 * why: 0 when nobody answered.
 */
export async function findNewest(gone: { url: string; file: string }, ended: AbortSignal): Promise<{ url?: string; status: number }> {
  const staying = stayingAddress(gone.url);
  if (staying === undefined) return { status: 404 };
  for (let look = 1; ; look += 1) {
    const found = await ask(staying, 'GET', ended);
    const isSame = found.url === new URL(gone.url, location.href).href;
    if (found.url !== undefined && !isSame) return found;
    if (isSame && gone.file !== '' && (await ask(gone.file, 'HEAD', ended)).url !== undefined) return { url: gone.url, status: found.status };
    const isRefused = found.status === 401 || found.status === 403;
    if (look === maxLooks || ended.aborted || isRefused) return { status: isSame ? 404 : found.status };
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

async function ask(address: string, method: 'GET' | 'HEAD', ended: AbortSignal): Promise<{ url?: string; status: number }> {
  try {
    const { ok, url, status } = await fetch(address, { method, signal: ended, credentials: 'same-origin' });
    return ok ? { url, status } : { status };
  } catch {
    return { status: 0 };
  }
}
