/**
 * Files on their way from this browser to the hub. They live outside the page, so that going elsewhere in the app stops nothing; after a
 * reload the browser no longer has the file, and the hub's list of unfinished uploads tells which one to pick again.
 */
import { type Signal, signal } from '@preact/signals';
import type { Upload as TusUpload } from 'tus-js-client';
import type { Upload, Video, VideoDraft } from '../../contracts/video.js';
import { call, toApiError } from '../core/api.js';
import { videoHref } from '../core/routing.js';
import { showToast } from '../core/toasts.js';
import { hashFile } from './hash-file.js';
import { addSample, type TransferRate } from './transfer-rate.js';
import { wordsOfReason } from './video-words.js';

export type TransferState =
  | { kind: 'waiting' }
  | { kind: 'hashing' }
  /** Content that is here already: the reader decides. */
  | { kind: 'known'; videos: readonly Video[]; sha256: string }
  | { kind: 'sending' }
  | { kind: 'paused' }
  | { kind: 'checking' }
  | { kind: 'done'; videoId: string }
  | { kind: 'failed'; message: string; hint: string | undefined; canRetry: boolean };

export interface Transfer {
  readonly key: number;
  readonly file: File;
  readonly draft: VideoDraft;
  readonly state: Signal<TransferState>;
  readonly sentBytes: Signal<number>;
  readonly rate: Signal<TransferRate>;
  /** Set while no answer came and the next try is due. */
  readonly retrying: Signal<boolean>;
}

interface Running {
  tus: TusUpload | undefined;
  url: string | undefined;
  ended: AbortController;
}

const endpoint = '/api/v1/uploads/tus';
const atOnce = 2;
const maxTransfers = 200;
/** A hub that restarts, or a network that is away for a while, is waited for; each byte that arrives starts the row anew. */
const retryDelays = [0, 1000, 2000, 4000, ...Array.from({ length: 120 }, () => 8000)];

export const transfers = signal<readonly Transfer[]>([]);
/** Grows whenever the hub's own list of uploads should be read again. */
export const uploadsChanged = signal(0);

const running = new Map<number, Running>();
let nextKey = 0;

/** Puts files into the row; the same settings for all of them. A file that goes on with an unfinished upload comes with its address. */
export function addFiles(files: readonly File[], draft: VideoDraft, resume?: Upload): void {
  const room = maxTransfers - transfers.peek().length;
  const added = files.slice(0, Math.max(0, room)).map((file) => makeTransfer(file, draft));
  if (files.length > added.length)
    showToast({ tone: 'warn', title: `${files.length - added.length} files were left out`, text: `At most ${maxTransfers} stand in the row.` });
  for (const transfer of added) running.set(transfer.key, { tus: undefined, url: resume?.url ?? undefined, ended: new AbortController() });
  transfers.value = [...transfers.peek(), ...added];
  startNext();
}

function makeTransfer(file: File, draft: VideoDraft): Transfer {
  nextKey += 1;
  return {
    key: nextKey,
    file,
    draft,
    state: signal<TransferState>({ kind: 'waiting' }),
    sentBytes: signal(0),
    rate: signal<TransferRate>({ samples: [] }),
    retrying: signal(false),
  };
}

const busyKinds: ReadonlySet<TransferState['kind']> = new Set<TransferState['kind']>(['hashing', 'sending']);

function startNext(): void {
  const all = transfers.peek();
  let busy = all.filter((one) => busyKinds.has(one.state.peek().kind)).length;
  for (const transfer of all) {
    if (busy >= atOnce) break;
    if (transfer.state.peek().kind !== 'waiting') continue;
    busy += 1;
    void begin(transfer);
  }
}

/** Asks first whether it may come and whether it is here already, then sends. */
async function begin(transfer: Transfer): Promise<void> {
  const { file, state } = transfer;
  const parts = running.get(transfer.key);
  if (parts === undefined) return;
  if (parts.url !== undefined) return send(transfer);
  state.value = { kind: 'hashing' };
  try {
    const sha256 = await hashFile(file, parts.ended.signal);
    const answer = await call('check_upload', {
      body: { size_bytes: Math.max(1, file.size), name: file.name.slice(0, 1024), ...(sha256 === undefined ? {} : { sha256 }) },
      signal: parts.ended.signal,
    });
    if (parts.ended.signal.aborted) return;
    if (!answer.allowed) return fail(transfer, answer.reason ?? 'The hub does not take this file', undefined, false);
    if (sha256 !== undefined && answer.existing.length > 0 && transfer.draft.replaces === undefined) {
      state.value = { kind: 'known', videos: answer.existing, sha256 };
      startNext();
      return;
    }
    await send(transfer);
  } catch (thrown) {
    if (parts.ended.signal.aborted) return;
    const error = toApiError(thrown);
    fail(transfer, error.message, error.hint, true);
  }
}

/** Sends it although the content is known. */
export function sendAnyway(transfer: Transfer): void {
  void send(transfer);
}

/** Makes a video of the content that is here already. */
export async function reuseKnown(transfer: Transfer): Promise<void> {
  const state = transfer.state.peek();
  if (state.kind !== 'known') return;
  try {
    const video = await call('reuse_upload', { body: { sha256: state.sha256, size_bytes: transfer.file.size, draft: transfer.draft } });
    transfer.sentBytes.value = transfer.file.size;
    finish(transfer, video.video_id);
  } catch (thrown) {
    const error = toApiError(thrown);
    fail(transfer, error.message, error.hint, true);
  }
}

async function send(transfer: Transfer): Promise<void> {
  const parts = running.get(transfer.key);
  if (parts === undefined) return;
  const { file, state } = transfer;
  state.value = { kind: 'sending' };
  const { Upload } = await import('tus-js-client');
  if (parts.ended.signal.aborted || state.peek().kind !== 'sending') return;
  const tus = new Upload(file, {
    endpoint,
    ...(parts.url === undefined ? {} : { uploadUrl: parts.url }),
    retryDelays,
    storeFingerprintForResuming: false,
    removeFingerprintOnSuccess: false,
    metadata: { filename: file.name, filetype: file.type, draft: JSON.stringify(transfer.draft) },
    onShouldRetry: (error) => {
      const status = statusOf(error);
      const willRetry = status === undefined || status === 423 || status === 409 || status === 408 || status === 429 || status >= 500;
      transfer.retrying.value = willRetry;
      return willRetry;
    },
    onProgress: (sent) => {
      transfer.retrying.value = false;
      transfer.sentBytes.value = sent;
      transfer.rate.value = addSample(transfer.rate.peek(), performance.now(), sent);
    },
    onUploadUrlAvailable: () => {
      parts.url = tus.url ?? undefined;
      uploadsChanged.value += 1;
    },
    onSuccess: () => void settle(transfer),
    onError: (error) => void settleFailure(transfer, error),
  });
  parts.tus = tus;
  tus.start();
}

function statusOf(error: unknown): number | undefined {
  const response = (error as { originalResponse?: { getStatus(): number } | null }).originalResponse;
  const status = response?.getStatus();
  return status === undefined || status === 0 ? undefined : status;
}

/** All bytes are there: waits until the hub has looked at them. */
async function settle(transfer: Transfer): Promise<void> {
  transfer.state.value = { kind: 'checking' };
  transfer.sentBytes.value = transfer.file.size;
  startNext();
  const upload = await outcomeOf(transfer);
  if (upload === undefined) return;
  if (upload.state === 'done') finish(transfer, upload.video_id);
  else fail(transfer, wordsOfUpload(upload), detailBeyond(upload), false);
}

async function settleFailure(transfer: Transfer, error: Error): Promise<void> {
  const status = statusOf(error);
  const upload = status === undefined ? undefined : await readUpload(transfer).catch(() => undefined);
  if (upload !== undefined && (upload.state === 'failed' || upload.state === 'expired' || upload.state === 'cancelled')) {
    fail(transfer, wordsOfUpload(upload), detailBeyond(upload), false);
    return;
  }
  const body = (error as { originalResponse?: { getBody(): string } | null }).originalResponse?.getBody();
  const problem = parseProblem(body);
  if (status === undefined) fail(transfer, 'The hub cannot be reached', 'What was sent is kept; try again to go on where it stopped.', true);
  else fail(transfer, problem?.detail ?? `The hub answered ${status}`, problem?.hint, status >= 500);
}

function parseProblem(body: string | undefined): { detail?: string; hint?: string } | undefined {
  try {
    return JSON.parse(body ?? '') as { detail?: string; hint?: string };
  } catch {
    return undefined;
  }
}

/** Why an upload came to nothing, in words. */
export function wordsOfUpload(upload: Pick<Upload, 'state' | 'error'>): string {
  if (upload.state === 'expired') return 'It lay unfinished for too long';
  if (upload.state === 'cancelled') return 'It was cancelled';
  if (upload.error?.reason != null) return wordsOfReason(upload.error.reason);
  return upload.error?.detail ?? 'The file was not taken';
}

/** What the hub says beyond those words; undefined when that is nothing. */
export function detailBeyond(upload: Pick<Upload, 'state' | 'error'>): string | undefined {
  const detail = upload.error?.detail ?? '';
  const words = wordsOfUpload(upload);
  const rest = detail.startsWith(words) ? detail.slice(words.length).trim() : detail;
  return rest === '' ? undefined : rest;
}

function readUpload(transfer: Transfer): Promise<Upload> {
  const id = running.get(transfer.key)?.url?.split('/').pop() ?? '';
  return call('get_upload', { params: { upload_id: decodeURIComponent(id) } });
}

const lookMs = 700;

async function outcomeOf(transfer: Transfer): Promise<Upload | undefined> {
  const ended = running.get(transfer.key)?.ended.signal;
  while (ended !== undefined && !ended.aborted) {
    // A hub that is away for a moment is asked again.
    const upload = await readUpload(transfer).catch(() => undefined);
    if (upload !== undefined && upload.state !== 'checking' && upload.state !== 'receiving' && upload.state !== 'paused') return upload;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  return undefined;
}

function finish(transfer: Transfer, videoId: string): void {
  transfer.state.value = { kind: 'done', videoId };
  uploadsChanged.value += 1;
  if (!location.pathname.startsWith('/uploads')) showToast({ tone: 'ok', title: `${transfer.file.name} is uploaded`, href: videoHref(videoId) });
  startNext();
}

function fail(transfer: Transfer, message: string, hint: string | undefined, canRetry: boolean): void {
  transfer.retrying.value = false;
  transfer.state.value = { kind: 'failed', message, hint, canRetry };
  uploadsChanged.value += 1;
  startNext();
}

/** Stops sending; what arrived stays on the hub. */
export function pauseTransfer(transfer: Transfer): void {
  const parts = running.get(transfer.key);
  transfer.state.value = { kind: 'paused' };
  transfer.rate.value = { samples: [] };
  transfer.retrying.value = false;
  void parts?.tus?.abort().catch(() => undefined);
  startNext();
}

/** Goes on where it stopped, also after a failure. */
export function resumeTransfer(transfer: Transfer): void {
  const parts = running.get(transfer.key);
  if (parts === undefined) return;
  transfer.rate.value = { samples: [] };
  if (parts.tus === undefined || parts.url === undefined) {
    transfer.state.value = { kind: 'waiting' };
    startNext();
    return;
  }
  transfer.state.value = { kind: 'sending' };
  parts.tus.start();
}

/** Takes it out of the row; an unfinished one is also deleted on the hub. */
export function removeTransfer(transfer: Transfer): void {
  const parts = running.get(transfer.key);
  const { kind } = transfer.state.peek();
  running.delete(transfer.key);
  transfers.value = transfers.peek().filter((one) => one !== transfer);
  parts?.ended.abort();
  const isUnfinished = kind === 'sending' || kind === 'paused' || kind === 'checking' || (kind === 'failed' && parts?.url !== undefined);
  if (isUnfinished) void cancelOnHub(parts);
  startNext();
}

async function cancelOnHub(parts: Running | undefined): Promise<void> {
  await parts?.tus?.abort().catch(() => undefined);
  const id = parts?.url?.split('/').pop();
  // What is gone already needs no cancelling; what could not be reached expires by itself.
  if (id !== undefined) await call('delete_upload', { params: { upload_id: decodeURIComponent(id) } }).catch(() => undefined);
  uploadsChanged.value += 1;
}

/** Takes what is over out of the row. */
export function clearFinished(): void {
  for (const transfer of transfers.peek()) if (transfer.state.peek().kind === 'done') running.delete(transfer.key);
  transfers.value = transfers.peek().filter((one) => one.state.peek().kind !== 'done');
}

/** True while leaving the page would interrupt something. */
export function isSending(): boolean {
  return transfers.peek().some((one) => busyKinds.has(one.state.peek().kind) || one.state.peek().kind === 'waiting');
}

addEventListener('beforeunload', (event) => {
  if (isSending()) event.preventDefault();
});
