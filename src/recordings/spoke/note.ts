/** What a recorder has to know of its predecessor: one small file per stream, written before anything that it speaks of is begun. */
import { open, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { gapCauses, recordingFormats, recordingOrderSchema } from '../../contracts/index.js';
import { flushInTurn } from './flush-gate.js';
import { withFolder } from './segment-file.js';

const partSchema = z.object({
  filename: z.string(),
  /** Of the folder that holds it, below the recordings folder. */
  folder: z.string(),
  recording_id: z.string(),
  format: z.enum(recordingFormats),
  from_ms: z.number(),
  /** Name that its file had before it was needed, and may still have. */
  spare: z.string().optional(),
});
/** A file that was begun and is not in the list. The hub reads these as well, to play what is being written. */
export type PartNote = z.infer<typeof partSchema>;

const spareSchema = partSchema.pick({ folder: true, recording_id: true, format: true }).extend({ name: z.string() });
/** The next file, opened in advance. */
export type SpareNote = z.infer<typeof spareSchema>;

const gapSchema = z.object({ recording_id: z.string(), cause: z.enum(gapCauses), detail: z.string().optional(), from_ms: z.number() });

/** Fields that a later version added are left aside. */
const orderSchema = z.object(recordingOrderSchema.shape);

const begunSchema = z.object({
  order: orderSchema,
  began_ms: z.number(),
  started_ms: z.number().nullable(),
  elapsed_ms: z.number(),
  size_bytes: z.number(),
  segments: z.number(),
  filename: z.string().nullable(),
});

/**
 * The note may be that of another version, older or newer: what it does not have is empty, and an item that cannot be understood costs
 * itself and not the files that the others speak of.
 */
const noteSchema = z.object({
  boot_id: z.string().catch(''),
  orders: listOf(orderSchema),
  begun: listOf(begunSchema),
  /** Up to here everything wanted is in the list, or in one of the parts; null: nothing is. */
  floor_ms: z.number().nullable().catch(null),
  gap: gapSchema.nullable().catch(null),
  /** Gaps that are over, and may not be in the list yet; oldest first. */
  unlisted: listOf(gapSchema.extend({ to_ms: z.number() })),
  parts: listOf(partSchema),
  /** Files opened in advance, and those of earlier processes that were not looked at yet. */
  spares: listOf(spareSchema),
});

function listOf<S extends z.ZodType>(schema: S) {
  const understood = (item: unknown): z.output<S>[] => {
    const parsed = schema.safeParse(item);
    return parsed.success ? [parsed.data] : [];
  };
  return z
    .array(z.unknown())
    .catch([])
    .transform((items) => items.flatMap(understood));
}
export type Note = z.infer<typeof noteSchema>;

export class NoteFile {
  readonly #file: string;
  #saving: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** The note, and when its writer was last seen alive; undefined when there is none. Fails when it cannot be read as a whole. */
  async read(): Promise<{ note: Note; aliveMs: number } | undefined> {
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(this.#file, 'utf8'), stat(this.#file)]);
      return { note: noteSchema.parse(JSON.parse(text)), aliveMs: mtimeMs };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Writes what `take` gives when its turn has come; resolves when a kill of this process cannot undo it. Calls that wait share one write. */
  save(take: () => Note): Promise<void> {
    this.#waiting ??= this.#saving
      .catch(() => undefined)
      .then(() => {
        this.#waiting = undefined;
        this.#saving = this.#write(take());
        return this.#saving;
      });
    return this.#waiting;
  }

  /** A sign of life, so that a successor knows how long there was one. */
  async touch(): Promise<void> {
    const now = new Date();
    await utimes(this.#file, now, now).catch(() => undefined);
  }

  /** It is in the hands of the system when this resolves, which outlives the process; that it outlives the machine is seen to beside. */
  async #write(note: Note): Promise<void> {
    const beside = `${this.#file}.tmp`;
    await withFolder(this.#file, () => writeFile(beside, JSON.stringify(note), { mode: 0o600 }));
    await rename(beside, this.#file);
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = undefined;
    });
  }

  /** What cannot be flushed now is written again soon. */
  async #sync(): Promise<void> {
    const handle = await open(this.#file, 'r').catch(() => undefined);
    await flushInTurn(async () => handle?.sync())
      .catch(() => undefined)
      .finally(() => handle?.close());
  }
}
