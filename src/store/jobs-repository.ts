/** Jobs on videos: the queue, its history, dead letters and callbacks. Times are whole milliseconds since 1970: they are compared all the time. */
import type { Callback, DeadLetter, Job, JobCost, JobEvent, JobFailure, JobLog, JobProgress, JobState } from '../contracts/index.js';
import type { Page, PageQuery } from './page.js';

/** A job as it is kept. */
export interface JobRecord {
  /** Grows with each job. */
  job_no: number;
  job_id: string;
  video_id: string;
  state: JobState;
  profile: string;
  quality: string[] | null;
  priority: number;
  owner: string;
  origin: Job['origin'];
  /** The request as it came. */
  request: Record<string, unknown>;
  source_path: string;
  /** Null: the library. */
  output_path: string | null;
  /** Jobs with the same one never run at the same time. */
  place: string;
  attempt: number;
  max_attempts: number;
  /** Of the last claim; 0: never claimed. */
  revision: number;
  worker_id: string | null;
  instance: string | null;
  /** Sequence of the message that opens it; null: none is known. */
  ticket_seq: number | null;
  /** How often that message was given out when the job was claimed with it. */
  ticket_delivery: number;
  /** When a ticket was last published or used; 0: it needs a new one. */
  ticket_ms: number;
  progress: JobProgress | null;
  error: JobFailure | null;
  cost: JobCost | null;
  commands: string[];
  /** Of the source, as found; null: not known yet. */
  duration_s: number | null;
  queued_ms: number;
  /** Start of the newest attempt. */
  started_ms: number | null;
  ended_ms: number | null;
  /** May not start before; 0: at once. */
  due_ms: number;
  /** The worker loses it then; null: nobody holds it. */
  lease_ms: number | null;
}

export type NewJob = Omit<JobRecord, 'job_no'>;
export type JobChanges = Partial<Omit<JobRecord, 'job_no' | 'job_id' | 'video_id' | 'origin' | 'request'>>;

/** What the order of start is made from. */
export type WaitingJob = Pick<JobRecord, 'job_no' | 'job_id' | 'video_id' | 'place' | 'owner' | 'priority' | 'queued_ms' | 'due_ms'>;

/** The oldest of all jobs of one owner and priority that may start. */
export type WaitingGroup = Pick<JobRecord, 'owner' | 'priority' | 'queued_ms'>;

/** Jobs that may start at a time: waiting, due, and no other job works on their video or place. */
export interface StartFilter {
  readonly nowMs: number;
  readonly busyVideos: readonly string[];
  readonly busyPlaces: readonly string[];
}

/** A message of the queue. A broker that lost its last messages gives their numbers out again, so the content counts as well. */
export interface TicketKey {
  readonly journal: string;
  readonly sequence: number;
  /** Hash of the payload. */
  readonly digest: string;
}

export interface JobQuery extends PageQuery {
  readonly state?: JobState | undefined;
  readonly video_id?: string | undefined;
}

export interface JobTotals {
  /** Jobs by state. */
  readonly states: Readonly<Record<JobState, number>>;
  /** Of those that wait and are due; null: none. */
  readonly oldest_queued_ms: number | null;
}

/** A job that ended, or one that started, for medians and sums. */
export type JobFigures = Pick<
  JobRecord,
  'job_id' | 'video_id' | 'state' | 'queued_ms' | 'started_ms' | 'ended_ms' | 'duration_s' | 'cost' | 'attempt'
>;

export interface JobRepository {
  insert(job: NewJob): Promise<JobRecord>;
  get(jobId: string): Promise<JobRecord | undefined>;
  /** Throws `not_found`. */
  update(jobId: string, changes: JobChanges): Promise<JobRecord>;
  /** Newest first. */
  list(query: JobQuery): Promise<Page<JobRecord>>;
  /** Those that a worker holds, oldest first. */
  running(): Promise<JobRecord[]>;
  /** Those of a video that have not ended, oldest first. */
  activeOf(videoId: string): Promise<JobRecord[]>;
  /** Those that have not ended and put their result there, oldest first. */
  activeAt(place: string): Promise<JobRecord[]>;
  /** Those that wait, oldest first, at most `limit`. */
  waiting(limit: number): Promise<WaitingJob[]>;
  /** For each owner and priority: the oldest that may start. */
  groups(filter: StartFilter): Promise<WaitingGroup[]>;
  /** The oldest of one owner and priority that may start. */
  oldest(group: Pick<WaitingGroup, 'owner' | 'priority'>, filter: StartFilter): Promise<JobRecord | undefined>;
  /** When each owner last started a job, of the last `limit` starts. */
  lastStarts(limit: number): Promise<Map<string, number>>;
  /** May start, and their last ticket is not younger than `ticketBeforeMs`; `unknownOnly`: those of whose ticket nothing was seen. Oldest first. */
  withoutTicket(filter: StartFilter, options: { ticketBeforeMs: number; unknownOnly: boolean; limit: number }): Promise<JobRecord[]>;
  /** Tickets below this sequence are gone: their jobs need new ones. */
  forgetTickets(belowSequence: number): Promise<void>;
  /** Earliest time at which a waiting job is due or a lease runs out, after `nowMs`; null: none. */
  nextDue(nowMs: number): Promise<number | null>;
  /** A number that no job of this video had before. */
  nextRevision(videoId: string): Promise<number>;

  /** Writes down which job a message opened first; false when the message is known already. */
  addTicket(ticket: TicketKey & { job_id: string | null; at_ms: number }): Promise<boolean>;
  /** The job of a message; null: a dead letter was made of it; undefined: it is not known. */
  ticket(key: TicketKey): Promise<string | null | undefined>;
  moveTicket(journal: string, sequence: number, jobId: string): Promise<void>;
  pruneTickets(beforeMs: number): Promise<number>;

  addEvent(jobId: string, event: JobEvent): Promise<void>;
  /** Oldest first, the newest 1000. */
  events(jobId: string): Promise<JobEvent[]>;
  addLogs(lines: readonly JobLog[]): Promise<void>;
  /** The newest, oldest of them first. */
  logs(jobId: string, limit: number): Promise<JobLog[]>;
  /** Forgets all but the newest `keep` lines of a job. */
  trimLogs(jobId: string, keep: number): Promise<void>;

  totals(nowMs: number): Promise<JobTotals>;
  /** Jobs that started or ended since, newest first, at most `limit`. */
  figures(sinceMs: number, limit: number): Promise<JobFigures[]>;
  /** Failed attempts since, by reason. */
  failures(sinceMs: number): Promise<Record<string, number>>;
  addFailure(failure: { job_id: string; at_ms: number; reason: string }): Promise<void>;
  /** Forgets jobs that ended before, with all that is kept of them; the number forgotten. */
  prune(endedBeforeMs: number): Promise<number>;
}

export interface DeadLetterRepository {
  insert(letter: DeadLetter): Promise<void>;
  get(id: string): Promise<DeadLetter | undefined>;
  /** Newest first. */
  list(query: PageQuery): Promise<Page<DeadLetter>>;
  /** False when there is none, or it was replayed before. */
  markReplayed(id: string, at: string): Promise<boolean>;
  /** Marks those of a job that is queued again. */
  markReplayedOfJob(jobId: string, at: string): Promise<void>;
  delete(id: string): Promise<boolean>;
  /** Those not replayed. */
  count(): Promise<number>;
  prune(before: string): Promise<number>;
}

export interface CallbackRecord extends Callback {
  /** What is sent, unchanged with each attempt. */
  body: string;
  /** Milliseconds since 1970; null: no further attempt. */
  next_ms: number | null;
}
export type CallbackChanges = Partial<Pick<CallbackRecord, 'state' | 'attempts' | 'last_status' | 'last_error' | 'next_ms' | 'delivered_at'>>;

export interface CallbackRepository {
  insert(callback: Omit<CallbackRecord, 'next_at'>): Promise<void>;
  get(id: string): Promise<CallbackRecord | undefined>;
  /** Newest first. */
  list(query: PageQuery & { state?: Callback['state'] | undefined; job_id?: string | undefined }): Promise<Page<CallbackRecord>>;
  /** Waiting and due, the longest due first. */
  due(nowMs: number, limit: number): Promise<CallbackRecord[]>;
  nextDue(): Promise<number | null>;
  /** Keeps others from it until `untilMs`; false when somebody was quicker. */
  take(callback: Pick<CallbackRecord, 'callback_id' | 'next_ms'>, untilMs: number): Promise<boolean>;
  /** Throws `not_found`. */
  update(id: string, changes: CallbackChanges): Promise<CallbackRecord>;
  /** The receiver wants nothing more at this address: what waits for it will not be sent. */
  disableUrl(url: string, reason: string): Promise<void>;
  count(state: Callback['state']): Promise<number>;
  prune(before: string): Promise<number>;
}
