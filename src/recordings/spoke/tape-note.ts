/** The note of one stream while it is recorded: which files were begun and are not in the list, and what goes with them into the note. */
import type { Note, NoteFile, PartNote, SpareNote } from './note.js';
import { type NoteFacts, noteOf } from './recovery.js';
import type { OpenSegmentFile } from './segment-file.js';
import { messageOf } from './setback.js';
import { nameSpare, SpareFile } from './spare-file.js';

export interface TapeNoteOptions {
  readonly root: string;
  readonly openFile: OpenSegmentFile;
  readonly noteFile: NoteFile;
  onTrouble(message: string, fields: object): void;
}

export class TapeNote {
  readonly spare: SpareFile;
  readonly #options: TapeNoteOptions;
  readonly #facts: () => Omit<NoteFacts, 'parts' | 'spares'>;
  readonly #parts = new Map<string, PartNote>();
  /** Spares of earlier processes: whoever is killed before they are dealt with must hand them on. */
  #left: readonly SpareNote[];

  /** `facts` is asked at each write, for what is then true; the files of the note `before` stay in it until they are removed. */
  constructor(options: TapeNoteOptions, facts: () => Omit<NoteFacts, 'parts' | 'spares'>, before?: Note) {
    const { root, openFile } = options;
    this.#options = options;
    this.#facts = facts;
    this.spare = new SpareFile({ root, openFile, saveNote: () => this.save() });
    this.#left = before?.spares ?? [];
    for (const part of before?.parts ?? []) this.add(part);
  }

  /** The file is in the next note, until `remove`. */
  add(part: PartNote): void {
    this.#parts.set(part.filename, part);
  }

  remove(part: PartNote): void {
    this.#parts.delete(part.filename);
  }

  /** These spares of an earlier process are dealt with. */
  forget(spares: readonly SpareNote[]): void {
    this.#left = this.#left.filter((one) => !spares.includes(one));
  }

  /** Fails when the disk does not take it. */
  save(): Promise<void> {
    return this.#options.noteFile.save(() => {
      const own = this.spare.note;
      return noteOf({ ...this.#facts(), parts: [...this.#parts.values()], spares: own === undefined ? [...this.#left] : [...this.#left, own] });
    });
  }

  /** As `save`; a disk that does not take it is trouble, but stops nothing. */
  keep(): Promise<void> {
    return this.save().catch((error: unknown) => this.#warn(error));
  }

  /** Notes the file that was begun, and gives a spare its name: in this order, so that a successor finds it by the one or the other. */
  async keepAndName(part: PartNote): Promise<void> {
    try {
      await this.save();
      await nameSpare(this.#options.root, part);
    } catch (error) {
      // It is named when it is finished; until then a successor finds it under its first name.
      this.#warn(error);
    }
  }

  /** A sign of life, where no file gives one. */
  touch(): Promise<void> {
    return this.#options.noteFile.touch();
  }

  #warn(error: unknown): void {
    this.#options.onTrouble('what is being recorded cannot be noted for the next start', { reason: messageOf(error) });
  }
}
