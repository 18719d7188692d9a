/** From an address of one revision of a video to that of the newest. */

const waitMs = 1000;
const maxLooks = 5;

/** The address that stays: without the revision in it. Undefined for one that names none. */
export function stayingAddress(url: string): string | undefined {
  const staying = url.replace(/\/r\d+(?=\/[^/]+$)/, '');
  return staying === url ? undefined : staying;
}

/**
 * Asks where the newest revision is. For a few seconds it is asked again while that is the one that is gone: an encode may be put in place this
 * moment. Without `url` there is nothing newer, and `status` tells why: 0 when nobody answered.
 */
export async function findNewest(gone: string, ended: AbortSignal): Promise<{ url?: string; status: number }> {
  const staying = stayingAddress(gone);
  if (staying === undefined) return { status: 404 };
  for (let look = 1; ; look += 1) {
    const found = await ask(staying, ended);
    const isSame = found.url === new URL(gone, location.href).href;
    if (found.url !== undefined && !isSame) return found;
    if (look === maxLooks || ended.aborted || (found.status >= 400 && found.status < 500 && found.status !== 404)) {
      return { status: isSame ? 404 : found.status };
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

async function ask(staying: string, ended: AbortSignal): Promise<{ url?: string; status: number }> {
  try {
    const { ok, url, status } = await fetch(staying, { signal: ended, credentials: 'same-origin' });
    return ok ? { url, status } : { status };
  } catch {
    return { status: 0 };
  }
}
