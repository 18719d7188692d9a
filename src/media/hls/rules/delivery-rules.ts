/** Chapters 8 and 10 of the authoring specification, as far as they concern the server. */
import type { VideoReport } from '../../../contracts/video.js';
import type { OutputFacts } from './facts.js';
import { failed, notApplicable, passed, type Verdict } from './rule.js';

const contentTypes: Readonly<Record<string, readonly string[]>> = {
  m3u8: ['application/vnd.apple.mpegurl', 'audio/mpegurl'],
  ts: ['video/mp2t'],
  mp4: ['video/mp4', 'audio/mp4'],
  m4s: ['video/iso.segment', 'video/mp4', 'audio/mp4'],
  vtt: ['text/vtt'],
};

type Answer = Awaited<ReturnType<NonNullable<OutputFacts['delivery']>>> & { readonly file: string };

/** One file of each kind, and every playlist. */
function sample(facts: OutputFacts): string[] {
  const playlists = [facts.output.master, ...[...facts.variants, ...facts.audio, ...facts.subtitles, ...facts.iframes].map(({ file }) => file)];
  const firsts = [...facts.variants, ...facts.audio, ...facts.subtitles].flatMap(({ playlist }) => [
    ...(playlist.map === undefined ? [] : [playlist.map.file]),
    ...playlist.segments.slice(0, 1).map(({ file }) => file),
  ]);
  return [...new Set([...playlists, ...firsts])];
}

function redirected(answers: readonly Answer[]): Verdict {
  const bad = answers.find(({ status }) => status !== 200);
  return bad === undefined ? passed : failed(`The server answers ${bad.status}`, bad.file);
}

function typed(answers: readonly Answer[]): Verdict {
  for (const { file, contentType, contentEncoding } of answers) {
    const extension = file.split('.').at(-1) ?? '';
    const wanted = contentTypes[extension];
    const type = contentType.split(';')[0]?.trim() ?? '';
    if (wanted !== undefined && !wanted.includes(type)) return failed(`Its type is ${type === '' ? 'not told' : type}`, file);
    if (extension === 'm3u8' && contentEncoding !== 'gzip') return failed('It is not compressed', file);
  }
  return passed;
}

/** Asks for a sample of files when it can. */
export async function checkDelivery(facts: OutputFacts): Promise<VideoReport['rules']> {
  const { delivery } = facts;
  const answers: Answer[] = [];
  if (delivery !== undefined) for (const file of sample(facts)) answers.push({ file, ...(await delivery(file)) });
  const verdict = (check: (answers: readonly Answer[]) => Verdict): Verdict =>
    delivery === undefined ? notApplicable('The files were looked at without a server') : check(answers);
  return [
    { rule: '8.18', level: 'must', about: 'Media are delivered without redirects', ...verdict(redirected) },
    { rule: '10.1', level: 'must', about: 'Playlists are delivered compressed, all files with their type', ...verdict(typed) },
  ];
}
