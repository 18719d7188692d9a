/** A request to process a video: read, checked, and turned into what a job needs. */
import {
  type FieldError,
  parseWith,
  type StandardQuality,
  standardQualities,
  type VideoProcessRequest,
  type VideoProfile,
  videoProcessRequestSchema,
  WeirError,
} from '../../contracts/index.js';
import type { QueueSettings } from './needs.js';
import { allowedPath, checkReplaceable } from './paths.js';

/** What a valid request says. */
export interface JobDraft {
  readonly video_id: string;
  readonly profile: string;
  readonly quality: string[] | null;
  readonly priority: number;
  readonly user_id: string;
  readonly source_path: string;
  /** Null: the library. */
  readonly output_path: string | null;
  /** Jobs with the same place never run at once. */
  readonly place: string;
  /** Empty when it is so large that only the job keeps it. */
  readonly metadata: Record<string, unknown>;
  readonly request: Record<string, unknown>;
}

export interface RequestRules {
  readonly settings: Pick<QueueSettings, 'folder' | 'upload_folder' | 'source_folders' | 'output_folders' | 'profile'>;
  readonly profiles: ReadonlyMap<string, VideoProfile>;
}

const maxMetadataBytes = 256 * 1024;

/** The JSON of a message. Throws `invalid_argument` with reason `bad_json`. */
export function parsePayload(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (cause) {
    throw new WeirError('invalid_argument', `The message is not JSON: ${(cause as Error).message}`, {
      field: '(body)',
      received: payload.slice(0, 120),
      facts: { reason: 'bad_json' },
      cause,
    });
  }
}

/** Throws `invalid_argument` or `permission_denied` with the field and what was received there. */
export async function readRequest(input: unknown, { settings, profiles }: RequestRules): Promise<JobDraft> {
  const request: VideoProcessRequest = parseWith(videoProcessRequestSchema, input);
  const profile = profileOf(request, settings, profiles);
  const quality = qualityOf(request, profile);
  const sources = { folders: [settings.upload_folder, settings.folder, ...settings.source_folders], setting: 'vod.source_folders' };
  const source_path = await allowedPath('source_path', request.source_path, sources);
  const outputs = { folders: settings.output_folders, setting: 'vod.output_folders' };
  const output_path = request.output_path === undefined ? null : await allowedPath('output_path', request.output_path, outputs);
  if (output_path !== null && (source_path === output_path || source_path.startsWith(`${output_path}/`))) {
    throw new WeirError('invalid_argument', 'output_path would replace the folder of the source', {
      field: 'output_path',
      received: output_path,
      facts: { reason: 'path_not_allowed' },
    });
  }
  if (output_path !== null) await checkReplaceable('output_path', output_path);
  return {
    video_id: request.video_id,
    profile: profile.name,
    quality,
    priority: request.priority ?? 0,
    user_id: request.user_id,
    source_path,
    output_path,
    place: output_path ?? `library:${request.video_id}`,
    metadata: JSON.stringify(request.metadata ?? {}).length <= maxMetadataBytes ? (request.metadata ?? {}) : {},
    request,
  };
}

function profileOf(request: VideoProcessRequest, settings: RequestRules['settings'], profiles: RequestRules['profiles']): VideoProfile {
  const name = request.profile ?? settings.profile;
  const profile = profiles.get(name);
  if (profile !== undefined) return profile;
  throw new WeirError('invalid_argument', `There is no profile ${name}`, {
    field: 'profile',
    received: name,
    hint: `use one of ${[...profiles.keys()].join(', ')}`,
    facts: { reason: 'unknown_profile' },
  });
}

/** Steps that the profile has, or that everybody knows; an empty list means all of the profile. */
function qualityOf(request: VideoProcessRequest, profile: VideoProfile): string[] | null {
  if (request.quality === undefined || request.quality.length === 0) return null;
  const known = new Set<string>([...profile.renditions.map((step) => step.name), ...standardQualities]);
  const at = request.quality.findIndex((name) => !known.has(name as StandardQuality));
  if (at < 0) return [...new Set(request.quality)];
  throw new WeirError('invalid_argument', `There is no quality ${request.quality[at]}`, {
    field: `quality.${at}`,
    received: request.quality[at],
    hint: `use ${[...known].join(', ')}`,
    facts: { reason: 'unknown_quality' },
  });
}

export interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly detail: string;
}

/** Why a request was not taken: for the dead letters and for people. */
export function refusalOf(thrown: unknown): Refusal {
  const error = WeirError.from(thrown);
  const first = error.errors[0];
  const reason = error.facts?.reason;
  return {
    code: error.code,
    reason: typeof reason === 'string' ? reason : error.code === 'permission_denied' ? 'path_not_allowed' : 'invalid_request',
    detail: first === undefined ? error.message : `${sentenceOf(first)}${error.hint === undefined ? '' : ` (${error.hint})`}`,
  };
}

/** Some messages name the field, or what was received, themselves. */
function sentenceOf({ field, message, received }: FieldError): string {
  const about = new RegExp(`^${field.replaceAll('.', '\\.')}\\b`).test(message) ? message : `${field}: ${message}`;
  return received === undefined || message.includes(', received ') ? about : `${about}, received ${JSON.stringify(received)}`;
}
