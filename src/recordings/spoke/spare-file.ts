/**
 * The next file, opened before it is needed and named in the note: where one file ends and the next begins, nothing has to be awaited
 * while pictures come, and a process that is killed just then loses no more than at any other time.
 */
import { rename, rm } from 'node:fs/promises';
import type { RecordingOrder } from '../../contracts/index.js';
import { dayFolder, partPath, spareName } from './names.js';
import type { PartNote, SpareNote } from './note.js';
import type { OpenSegmentFile, SegmentFile } from './segment-file.js';

export interface SpareOptions {
  readonly root: string;
  readonly openFile: OpenSegmentFile;
  /** Resolves when a note that names `spare` is written. */
  saveNote(): Promise<void>;
}

export class SpareFile {
  readonly #options: SpareOptions;
  /** Without a file while it is being opened. */
  #spare: { readonly note: SpareNote; file?: SegmentFile } | undefined;
  #preparing: Promise<void> | undefined;

  constructor(options: SpareOptions) {
    this.#options = options;
  }

  /** For the note: that of the file which may be taken, or is being opened. */
  get note(): SpareNote | undefined {
    return this.#spare?.note;
  }

  /** Begins to open one, if there is none that fits what comes next. A disk that refuses says so when the file is needed. */
  prepare(streamId: string, { recording_id, format }: Pick<RecordingOrder, 'recording_id' | 'format'>, nowMs: number): void {
    const note: SpareNote = { name: spareName(), folder: dayFolder(streamId, nowMs), recording_id, format };
    if (this.#spare !== undefined) {
      const { note: present, file } = this.#spare;
      if (file === undefined || isFor(present, note)) return;
      this.#spare = undefined;
      void this.#remove(present, file);
    }
    this.#preparing ??= this.#open(note)
      .catch(() => undefined)
      .finally(() => {
        this.#preparing = undefined;
      });
  }

  /**
   * The file, when there is one and it fits this part; it is then no spare any more. One that does not fit is thrown away.
   * One that is being opened is waited for, which takes no longer than to open another.
   */
  async take(part: PartNote): Promise<{ readonly file: SegmentFile; readonly name: string } | undefined> {
    if (this.#spare?.file === undefined) await this.#preparing;
    const { note, file } = this.#spare ?? {};
    if (note === undefined || file === undefined) return undefined;
    this.#spare = undefined;
    if (isFor(note, part)) return { file, name: note.name };
    void this.#remove(note, file);
    return undefined;
  }

  /** Nothing more is going to be recorded. */
  async drop(): Promise<void> {
    await this.#preparing;
    const { note, file } = this.#spare ?? {};
    if (note === undefined || file === undefined) return;
    this.#spare = undefined;
    await this.#remove(note, file);
  }

  async #open(note: SpareNote): Promise<void> {
    const { root, openFile, saveNote } = this.#options;
    const spare: { readonly note: SpareNote; file?: SegmentFile } = { note };
    this.#spare = spare;
    try {
      // Noted first: a process that is killed just then leaves no file that nobody knows of.
      await saveNote();
      spare.file = await openFile(partPath(root, { folder: note.folder, filename: note.name }));
    } catch (error) {
      this.#spare = undefined;
      throw error;
    }
  }

  async #remove(note: SpareNote, file: SegmentFile): Promise<void> {
    await file.close().catch(() => undefined);
    await rm(partPath(this.#options.root, { folder: note.folder, filename: note.name }), { force: true }).catch(() => undefined);
  }
}

function isFor(spare: SpareNote, wanted: Pick<SpareNote, 'folder' | 'recording_id' | 'format'>): boolean {
  return spare.folder === wanted.folder && spare.recording_id === wanted.recording_id && spare.format === wanted.format;
}

/** Gives a part that was begun as a spare its own name; nothing for one that has it. */
export async function nameSpare(root: string, part: PartNote): Promise<void> {
  if (part.spare === undefined) return;
  const [from, to] = [partPath(root, { folder: part.folder, filename: part.spare }), partPath(root, part)];
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
