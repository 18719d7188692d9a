/** Names that came with a file: shown, never used as a path. */

const maxNameLength = 255;
const maxTitleLength = 300;

/** The last part of what was given, without control characters, at most 255 characters; `video` when nothing is left. */
export function cleanFileName(given: string | undefined): string {
  const last =
    (given ?? '')
      .replace(/\p{Surrogate}/gu, '')
      .normalize('NFC')
      .split(/[/\\]/)
      .at(-1) ?? '';
  // Also marks that turn the reading direction, by which `gpj.exe` would be shown as `exe.jpg`.
  const plain = last.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '').trim();
  const name = [...plain].slice(0, maxNameLength).join('');
  return name === '' || name === '.' || name === '..' ? 'video' : name;
}

/** A title for people: the name without its extension, with spaces for what stands in for them. */
export function titleOf(fileName: string): string {
  const stem = fileName.replace(/\.[A-Za-z0-9]{1,5}$/, '');
  const words = stem.replace(/[_+]+/g, ' ').replace(/\s+/gu, ' ').trim();
  const title = [...(words === '' ? fileName : words)].slice(0, maxTitleLength).join('').trim();
  return title === '' ? 'Untitled' : title;
}

/** The file name in an address; undefined when its path ends in none. */
export function nameInUrl(url: string): string | undefined {
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last) || undefined;
  } catch {
    return last || undefined;
  }
}
