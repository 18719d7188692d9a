/** What the store keeps of videos, their sources, links and uploads. Times are RFC 3339 texts, as on the wire. */
import type { SourceFacts, Upload, VideoDraft, VideoLink, VideoOutput, VideoState, Visibility } from '../contracts/index.js';
import type { Page, PageQuery } from './page.js';

/** A file that one or more videos were made from. It may be deleted when no video keeps it any more. */
export interface SourceRecord {
  source_id: string;
  /** Absolute. */
  path: string;
  size_bytes: number;
  sha256: string | null;
  /** True: lies in the folder of uploads and is deleted with its last video. False: used in place, never deleted by us. */
  owned: boolean;
  created_at: string;
  /** Set when the last video let go of it. */
  released_at: string | null;
}

/** The source as its video sees it. `name` is the file name that was given for this video. */
export interface VideoSource extends Pick<SourceRecord, 'source_id' | 'path' | 'size_bytes' | 'sha256' | 'owned'> {
  name: string;
  /** False: this video let go of it, as was asked; the file may be gone. */
  kept: boolean;
}

/** The part of a video that is kept; addresses are made by whoever shows it. */
export interface VideoRecord {
  video_id: string;
  title: string;
  description: string;
  tags: string[];
  visibility: Visibility;
  state: VideoState;
  owner: string;
  /** `bus`: made by a message of a program; `hub`: by somebody who signed in. */
  origin: 'hub' | 'bus';
  source: VideoSource | null;
  facts: SourceFacts | null;
  output: VideoOutput | null;
  /** Folder that holds the files of `output`, absolute. */
  output_path: string | null;
  /** The picture that a person chose as thumbnail: seconds of the result, and when (RFC 3339). Later encodes follow it. */
  poster: { at_s: number; chosen_at: string } | null;
  metadata: Record<string, unknown>;
  job_id: string | null;
  progress: number | null;
  error: string | null;
  created_at: string;
  updated_at: string;
  published_at: string | null;
  deleted_at: string | null;
}

/** `origin` left out: `hub`. */
export type NewVideo = Pick<VideoRecord, 'video_id' | 'title' | 'owner' | 'state'> &
  Partial<Pick<VideoRecord, 'origin' | 'description' | 'tags' | 'visibility' | 'metadata' | 'facts' | 'job_id' | 'created_at'>>;
export type VideoChanges = Partial<Omit<VideoRecord, 'video_id' | 'origin' | 'source' | 'created_at' | 'updated_at'>>;

export interface VideoFilter {
  /** Words that all must stand in title, description or tags; case and accents do not count. */
  readonly search?: string | undefined;
  readonly tag?: string | undefined;
  readonly state?: VideoState | undefined;
  readonly visibility?: Visibility | undefined;
  readonly owner?: string | undefined;
  /** True: those in the trash instead. */
  readonly trash?: boolean | undefined;
  /** Only what this user may see without being an operator: own and public ones. Left out: all. */
  readonly seenBy?: string | undefined;
}

export interface VideoQuery extends PageQuery, VideoFilter {
  /** Default `newest`. */
  readonly sort?: 'newest' | 'oldest' | 'title' | 'longest' | 'largest' | undefined;
}

/** A file that nobody refers to any more; null: others still do, or it is not ours to delete. */
export interface Released {
  readonly path: string | null;
}

export type LinkRecord = Pick<VideoLink, 'link_id' | 'video_id' | 'name' | 'created_at' | 'created_by' | 'expires_at'>;

export interface VideoRepository {
  /** Throws `already_exists`. Without source; see `attachSource`. */
  insert(video: NewVideo): Promise<VideoRecord>;
  /** Also one in the trash. */
  get(videoId: string): Promise<VideoRecord | undefined>;
  /** Throws `not_found`. Sets `updated_at`. */
  update(videoId: string, changes: VideoChanges): Promise<VideoRecord>;
  /** Changes it only while it is in one of these states; undefined when it was not, or is not there. */
  updateIf(videoId: string, states: readonly VideoState[], changes: VideoChanges): Promise<VideoRecord | undefined>;
  /** Deletes the row, its links and its hold on the source. Undefined when there is none. Delete the file after the commit. */
  delete(videoId: string): Promise<Released | undefined>;
  /** One page; `total` counts all that match. */
  list(query: VideoQuery): Promise<Page<VideoRecord> & { total: number }>;
  /** Videos whose results lie in one of these folders. */
  withOutputAt(folders: readonly string[]): Promise<VideoRecord[]>;
  /** Videos that keep this file as their source. */
  withSourceAt(path: string): Promise<VideoRecord[]>;
  /** Tags of the videos that match, the most used first; at most 200. */
  tags(filter: VideoFilter): Promise<{ tag: string; videos: number }[]>;
  /** In the trash since before, oldest first. */
  trashedBefore(before: string, limit: number): Promise<VideoRecord[]>;
  /** Ids in order, page by page, for a look over the disk. */
  ids(after: string, limit: number): Promise<string[]>;

  /** Notes a file. Throws `already_exists` for a path that is noted and not released. */
  addSource(source: Omit<SourceRecord, 'created_at' | 'released_at'>): Promise<void>;
  getSource(sourceId: string): Promise<SourceRecord | undefined>;
  /** The source of a path that some video keeps. */
  sourceAt(path: string): Promise<SourceRecord | undefined>;
  /** A source of this content that some video keeps, oldest first. */
  sourceOf(sha256: string, sizeBytes: number): Promise<SourceRecord | undefined>;
  /** Sets what was found out later. */
  setSourceHash(sourceId: string, sha256: string): Promise<void>;
  /**
   * Makes the file the source of the video, in place of another, which is let go of: its path is returned when nobody else keeps it.
   * Throws `failed_precondition` when the source was released meanwhile, so a file that is on its way out is never taken.
   */
  attachSource(videoId: string, sourceId: string, name: string): Promise<Released>;
  /** The video lets go of its source (`kept` becomes false). */
  releaseSource(videoId: string): Promise<Released>;
  /** Paths of owned sources that some video keeps, in order, page by page. */
  ownedPaths(after: string, limit: number): Promise<string[]>;
  /** Videos that keep a source of this content, newest first; at most 100. */
  withContent(sha256: string, sizeBytes: number): Promise<VideoRecord[]>;
  /** Bytes of sources (each once) and results of a user, those in the trash included. */
  usedBytes(owner: string): Promise<number>;
  /** Videos by state, those in the trash left out. */
  countByState(): Promise<Partial<Record<VideoState, number>>>;

  addLink(link: LinkRecord): Promise<void>;
  getLink(linkId: string): Promise<LinkRecord | undefined>;
  /** Newest first. */
  links(videoId: string): Promise<LinkRecord[]>;
  deleteLink(videoId: string, linkId: string): Promise<boolean>;
}

/** One upload, also after its end: rows are its history. */
export interface UploadRecord {
  upload_id: string;
  video_id: string;
  method: Upload['method'];
  state: Upload['state'];
  /** File name as it was given. */
  name: string;
  content_type: string | null;
  size_bytes: number | null;
  /** As last written down; while it runs the size of the file is the truth. */
  received_bytes: number;
  sha256: string | null;
  owner: string;
  draft: VideoDraft;
  /** `Upload-Metadata` as a tus client sent it. */
  metadata: string | null;
  /** The file, absolute; null once it is gone or handed to a source. */
  path: string | null;
  /** Bytes from here on belong to a chunk whose checksum is not known to hold; null: all hold. */
  unverified_from: number | null;
  /** Where it is fetched from, and the validator of what was fetched so far. */
  url: string | null;
  validator: string | null;
  error: Upload['error'];
  created_at: string;
  updated_at: string;
  expires_at: string | null;
}
export type UploadChanges = Partial<Omit<UploadRecord, 'upload_id' | 'video_id' | 'method' | 'owner' | 'created_at' | 'updated_at'>>;

export interface UploadQuery extends PageQuery {
  readonly state?: UploadRecord['state'] | undefined;
  readonly owner?: string | undefined;
}

export interface UploadRepository {
  /** Throws `already_exists`. */
  insert(upload: Omit<UploadRecord, 'created_at' | 'updated_at'>): Promise<UploadRecord>;
  get(uploadId: string): Promise<UploadRecord | undefined>;
  /** Changes it only while it is in one of `states` (left out: in any); undefined when it was not. Sets `updated_at`. */
  update(uploadId: string, changes: UploadChanges, states?: readonly UploadRecord['state'][]): Promise<UploadRecord | undefined>;
  /** Newest first. */
  list(query: UploadQuery): Promise<Page<UploadRecord>>;
  /** Receiving, paused or checking, oldest first. */
  unfinished(): Promise<UploadRecord[]>;
  unfinishedOf(owner: string): Promise<number>;
  /** True when an upload that is still known made the video, or was to. */
  madeVideo(videoId: string): Promise<boolean>;
  /** Unfinished ones whose time is over. */
  expired(now: string, limit: number): Promise<UploadRecord[]>;
  /** Bytes that unfinished uploads have reserved: the declared length, else what has come. Of one user, or of all. */
  reservedBytes(owner?: string): Promise<{ total: number; missing: number }>;
  /** Forgets ended uploads last changed before; the number forgotten. */
  prune(before: string): Promise<number>;
}
