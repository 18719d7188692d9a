/** Starts, stops and restarts a stream for somebody who asks the hub. */
import { type CommandResult, type StreamCommand, WeirError } from '../../contracts/index.js';
import type { StreamRecord } from '../../store/index.js';
import type { Actor, Definitions } from './definitions.js';
import type { ForeignStreams } from './foreign-streams.js';
import type { HubParts } from './needs.js';
import type { PlainCommands } from './plain-commands.js';
import type { Reconciler } from './reconciler.js';
import type { Standings } from './standings.js';

export interface CommandNouns {
  readonly parts: HubParts;
  readonly definitions: Definitions;
  readonly reconciler: Reconciler;
  readonly plain: PlainCommands;
  readonly standings: Standings;
  readonly foreign: ForeignStreams;
}

/** Spokes are told within this time, or the answer tells the state as it is; what is wanted is stored in any case. */
const settleMs = 3000;
const answerMs = 5000;
/** A plain spoke need not answer commands. */
const plainAnswerMs = 1500;

/** Makes `running` or `stopped` the desired state and tells whoever serves the stream. */
export async function commandStream(
  nouns: CommandNouns,
  streamId: string,
  action: 'start' | 'stop',
  actor: Actor,
  signal: AbortSignal,
): Promise<CommandResult> {
  const { definitions } = nouns;
  const before = definitions.need(streamId);
  const desired = action === 'start' ? 'running' : 'stopped';
  const record = before.desired === desired ? before : await definitions.change(streamId, { desired }, actor);
  if (!record.managed) return commandForeign(nouns, streamId, action, signal);
  await settle(nouns, signal);
  return resultOf(nouns, record, action);
}

/** What is wanted has changed by itself: waits until spokes know, and leaves the desired state as it is. */
export async function releaseStream(nouns: CommandNouns, streamId: string, signal: AbortSignal): Promise<CommandResult> {
  const record = nouns.definitions.need(streamId);
  await settle(nouns, signal);
  return resultOf(nouns, record, 'stop');
}

/** Ends the running FFmpeg and starts a new one. Throws `unavailable` when no spoke serves the stream. */
export async function restartStream(nouns: CommandNouns, streamId: string, actor: Actor, signal: AbortSignal): Promise<CommandResult> {
  const { definitions, reconciler } = nouns;
  const before = definitions.need(streamId);
  if (before.desired !== 'running') return commandStream(nouns, streamId, 'start', actor, signal);
  if (!before.managed) {
    await commandForeign(nouns, streamId, 'stop', signal);
    return commandForeign(nouns, streamId, 'start', signal);
  }
  if (!reconciler.isServed(streamId)) await settle(nouns, signal);
  if (!reconciler.isServed(streamId))
    throw new WeirError('unavailable', `No spoke serves ${streamId} now`, { hint: 'It starts as soon as one is there' });
  await send(nouns, streamId, 'stop', answerMs, signal);
  return send(nouns, streamId, 'start', answerMs, signal);
}

async function settle(nouns: CommandNouns, signal: AbortSignal): Promise<void> {
  try {
    await nouns.reconciler.settle(AbortSignal.any([signal, AbortSignal.timeout(settleMs)]));
  } catch {
    // Not told yet; the reconciler goes on by itself.
    signal.throwIfAborted();
  }
}

async function commandForeign(nouns: CommandNouns, streamId: string, action: 'start' | 'stop', signal: AbortSignal): Promise<CommandResult> {
  try {
    return await send(nouns, streamId, action, plainAnswerMs, signal);
  } catch (error) {
    const known = WeirError.from(error);
    if (known.code !== 'deadline_exceeded' && known.code !== 'unavailable') throw known;
  }
  // It has got the command, but plain spokes may obey without a word: somebody must at least be there.
  const status = await nouns.foreign.ask(streamId, plainAnswerMs);
  if (status === undefined) throw new WeirError('unavailable', `No spoke serves ${streamId} now`);
  return { ok: true, action, stream_id: streamId, state: status.state, timestamp: new Date().toISOString() };
}

async function send(
  nouns: CommandNouns,
  streamId: string,
  action: StreamCommand['action'],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<CommandResult> {
  const command: StreamCommand = { action, stream_id: streamId, config: undefined, timestamp: new Date().toISOString() };
  nouns.plain.expectEcho(command);
  const result = await nouns.parts.bus.request('stream_command', { stream_id: streamId }, command, { timeoutMs, signal });
  if (!result.ok && result.error !== undefined) throw WeirError.fromProblem(result.error);
  return result;
}

function resultOf(nouns: CommandNouns, record: StreamRecord, action: 'start' | 'stop'): CommandResult {
  const state = nouns.standings.status(record.stream_id)?.state;
  return { ok: true, action, stream_id: record.stream_id, ...(state === undefined ? {} : { state }), timestamp: new Date().toISOString() };
}
