/** Quoting for FFmpeg's small languages. Each has its own set of special characters, so each has its own function. */

/**
 * A value inside a filter graph, for example the text of `drawtext`. Two parsers take it apart, the graph's and the option list's,
 * so it is escaped for both. Leading and trailing blanks are lost, as FFmpeg strips them.
 */
export function escapeFilterValue(value: string): string {
  const option = value.replace(/[\\':]/g, '\\$&');
  return option.replace(/[\\'[\],;]/g, '\\$&');
}

/** A value in a list `name=value:name=value`; a list within a list is escaped once more. */
export function escapeListEntry(value: string): string {
  return value.replace(/[\\': ]/g, '\\$&');
}

/** The target of a `tee` output, behind its `[options]`: only the list of targets is taken apart once more. */
export function escapeTeeTarget(target: string): string {
  return target.replace(/[\\'|]/g, '\\$&');
}

/** The value of an option inside `[…]` of a `tee` output: the option list, then the list of targets. */
export function escapeTeeOption(value: string): string {
  const option = value.replace(/[\\':\]]/g, '\\$&');
  return escapeTeeTarget(option);
}

/** One printable line out of any text: control and unassigned characters, which fonts cannot draw, become blanks. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, ' ').replace(/\s+/gu, ' ').trim();
}

/** Breaks at blanks into lines of at most `width` characters; longer words are cut, lines beyond `maxLines` end in an ellipsis. */
export function wrapText(text: string, width: number, maxLines: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(' ')) {
    let rest = [...word];
    if (line !== '' && [...line].length + 1 + rest.length > width) {
      lines.push(line);
      line = '';
    }
    for (; rest.length > width; rest = rest.slice(width)) lines.push(rest.slice(0, width).join(''));
    line = line === '' ? rest.join('') : `${line} ${rest.join('')}`;
  }
  if (line !== '') lines.push(line);
  if (lines.length <= maxLines) return lines;
  const last = [...(lines[maxLines - 1] ?? '')].slice(0, Math.max(width - 1, 1)).join('');
  return [...lines.slice(0, maxLines - 1), `${last}…`];
}
