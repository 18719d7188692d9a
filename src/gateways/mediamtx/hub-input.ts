/** How a command of MediaMTX reads a stream from the hub, with its token kept out of the process list. */
import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../supervisor/index.js';
import type { GatewayTokens } from '../gateway.js';

/** A token is made anew in the last half of its life, long before it ends. */
const tokenLifeS = 24 * 3600;

export interface HubInputs {
  /** Arguments for FFmpeg, `-i` included; always the same for a stream, since another text would make its path anew. */
  args(streamId: string): string[];
  /** Writes (or renews) what those arguments read. Call it before the path is made, and now and then. */
  refresh(streamId: string): Promise<void>;
  remove(streamId: string): void;
}

/**
 * Scripts of one line for FFmpeg's concat demuxer, mode 0600, read each time when somebody begins to watch: so the token in them can be
 * renewed without touching the path.
 */
export function createHubInputs(options: { folder: string; hubUrl: () => string; tokens: GatewayTokens; now?: () => number }): HubInputs {
  const { folder, hubUrl, tokens, now = Date.now } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const written = new Map<string, { renewAt: number; hub: string }>();
  const fileOf = (streamId: string) => join(folder, `${streamId}.ffconcat`);
  return {
    args: (streamId) => [
      ...[
        '-f',
        'concat',
        '-safe',
        '0',
        '-auto_convert',
        '0',
        '-protocol_whitelist',
        'file,http,https,tcp,tls',
        '-format_whitelist',
        'concat,mov,mp4',
      ],
      ...['-i', fileOf(streamId)],
    ],
    async refresh(streamId) {
      const hub = hubUrl();
      const before = written.get(streamId);
      if (before !== undefined && before.renewAt > now() && before.hub === hub) return;
      const { token } = await tokens.issue({ streamId, actions: ['read'], expiresInS: tokenLifeS, subject: 'gateway' });
      const url = `${hub}/api/v1/streams/${encodeURIComponent(streamId)}/live.mp4`;
      // Neither a token nor our own address has a quote in it.
      const options = [`option headers 'Authorization: Bearer ${token}'`, "option rw_timeout '15000000'", "option fflags 'nobuffer'"];
      writeFileAtomic(fileOf(streamId), `ffconcat version 1.0\nfile '${url}'\n${options.join('\n')}\n`);
      written.set(streamId, { renewAt: now() + (tokenLifeS * 1000) / 2, hub });
    },
    remove(streamId) {
      written.delete(streamId);
      rmSync(fileOf(streamId), { force: true });
    },
  };
}

const inlineLifeS = 30 * 24 * 3600;

/**
 * The same for a MediaMTX that runs elsewhere, or as another user, and cannot read our files: the token stands in the command. Tokens are
 * kept over restarts in `folder`, so that the same text is sent again.
 */
export function createInlineInputs(options: { folder: string; hubUrl: () => string; tokens: GatewayTokens; now?: () => number }): HubInputs {
  const { folder, hubUrl, tokens, now = Date.now } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'path-tokens.json');
  const kept = readTokens(file);
  return {
    args(streamId) {
      const url = `${hubUrl()}/api/v1/streams/${encodeURIComponent(streamId)}/live.mp4`;
      return ['-headers', `Authorization: Bearer ${kept.get(streamId)?.token ?? ''}`, '-rw_timeout', '15000000', '-fflags', 'nobuffer', '-i', url];
    },
    async refresh(streamId) {
      if ((kept.get(streamId)?.renewAt ?? 0) > now()) return;
      const { token } = await tokens.issue({ streamId, actions: ['read'], expiresInS: inlineLifeS, subject: 'gateway' });
      kept.set(streamId, { token, renewAt: now() + (inlineLifeS * 1000) / 2 });
      writeFileAtomic(file, JSON.stringify(Object.fromEntries(kept)));
    },
    remove(streamId) {
      if (kept.delete(streamId)) writeFileAtomic(file, JSON.stringify(Object.fromEntries(kept)));
    },
  };
}

function readTokens(file: string): Map<string, { token: string; renewAt: number }> {
  try {
    const entries = Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, { token?: unknown; renewAt?: unknown }>);
    return new Map(
      entries.flatMap(([id, { token, renewAt }]) =>
        typeof token === 'string' && typeof renewAt === 'number' ? [[id, { token, renewAt }] as const] : [],
      ),
    );
  } catch {
    // None yet, or not readable: new ones are made.
    return new Map();
  }
}
