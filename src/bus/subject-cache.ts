/** Publish subjects by channel and parameters, checked once and remembered. */
import { type ChannelName, type ParamsOf, publishSubject, type Roots } from '../contracts/index.js';

const rememberedPerChannel = 4096;

/** A function from channel and parameters to the subject; throws `invalid_argument` for a parameter that is no token. */
export function createSubjectCache(roots: Roots): <N extends ChannelName>(name: N, params: ParamsOf<N>) => string {
  const channels = new Map<ChannelName, Map<string, string>>();
  return (name, params) => {
    let key = '';
    for (const param in params) {
      const value = (params as Record<string, string>)[param] ?? '';
      // Most channels have one parameter, whose value is the key without any copying.
      key = key === '' ? value : `${key} ${value}`;
    }
    let subjects = channels.get(name);
    const known = subjects?.get(key);
    if (known !== undefined) return known;
    const subject = publishSubject(name, params, roots);
    if (subjects === undefined || subjects.size >= rememberedPerChannel) {
      subjects = new Map();
      channels.set(name, subjects);
    }
    subjects.set(key, subject);
    return subject;
  };
}
