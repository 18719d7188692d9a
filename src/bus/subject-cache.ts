/** Publish subjects by channel and parameters, checked once and remembered. */
import { type ChannelName, type ParamsOf, publishSubject, type Roots } from '../contracts/index.js';

const remembered = 4096;

/** A function from channel and parameters to the subject; throws `invalid_argument` for a parameter that is no token. */
export function createSubjectCache(roots: Roots): <N extends ChannelName>(name: N, params: ParamsOf<N>) => string {
  const cache = new Map<string, string>();
  return (name, params) => {
    let key: string = name;
    for (const value of Object.values<string>(params)) key += ` ${value}`;
    const known = cache.get(key);
    if (known !== undefined) return known;
    const subject = publishSubject(name, params, roots);
    if (cache.size >= remembered) cache.clear();
    cache.set(key, subject);
    return subject;
  };
}
