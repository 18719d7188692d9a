/** Subjects against the patterns of a permission list. */

/** True when one of the patterns admits the subject. */
export function isSubjectWithin(subject: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matches(subject.split('.'), pattern.split('.')));
}

function matches(tokens: readonly string[], pattern: readonly string[]): boolean {
  for (const [index, part] of pattern.entries()) {
    if (part === '>') return tokens.length > index;
    if (index >= tokens.length || (part !== '*' && part !== tokens[index])) return false;
  }
  return tokens.length === pattern.length;
}
