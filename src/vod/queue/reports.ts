/** What workers tell of the jobs they hold; each is answered, and safe to repeat. */
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { JobReport, JobReportReply } from '../../contracts/index.js';
import type { JobRecord } from '../../store/index.js';
import { outputPath } from './claims.js';
import type { JobBook } from './job-book.js';
import type { JobInput } from './machine.js';
import { changeQueue, type QueueChange, type QueueParts } from './parts.js';
import { stagingPath, stagingPrefix } from './paths.js';

export class Reports {
  readonly #parts: QueueParts;
  readonly #book: JobBook;

  constructor(parts: QueueParts, book: JobBook) {
    this.#parts = parts;
    this.#book = book;
  }

  async take(report: JobReport): Promise<JobReportReply> {
    return changeQueue(this.#parts.store, async (change) => {
      const before = await change.tx.jobs.get(report.job_id);
      if (before === undefined) return { verdict: 'stop', reason: 'there is no such job' };
      const { step, job } = await this.#book.step(change, before, inputOf(report));
      if (step.changes !== undefined) await this.#follow(change, report, job);
      return step.reply ?? { verdict: 'stop' };
    });
  }

  /** What the video learns of it. */
  async #follow(change: QueueChange, report: JobReport, job: JobRecord): Promise<void> {
    const { videos, settings } = this.#parts;
    const { job_id, video_id } = job;
    const folder = outputPath(settings.folder, job);
    if (report.kind === 'facts') await videos.apply(change.tx, video_id, { kind: 'facts', job_id, facts: report.facts });
    if (report.kind === 'playable') {
      await videos.apply(change.tx, video_id, { kind: 'playable', job_id, output: report.output, folder: stagingPath(folder, job.revision) });
    }
    if (report.kind === 'done') await this.#book.published(change, job, report.output, folder);
  }

  /** Removes what attempts that are over left beside the output. A worker that still writes there has lost its job and will stop by itself. */
  sweep(job: JobRecord): void {
    const { log, settings } = this.#parts;
    const folder = outputPath(settings.folder, job);
    const parent = dirname(folder);
    const places = job.output_path === null ? [/^\.r\d+\.r(\d+)$/] : [new RegExp(`^${quoted(stagingPrefix(folder))}(\\d+)$`)];
    readdir(parent)
      .then(async (names) => {
        for (const name of names) {
          const revision = Number(places.map((place) => place.exec(name)?.[1]).find((found) => found !== undefined));
          if (revision <= job.revision) await rm(join(parent, name), { recursive: true, force: true, maxRetries: 3 });
        }
      })
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') log.warn({ err: error, job_id: job.job_id }, 'what an attempt left could not be removed');
      });
  }
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function inputOf(report: JobReport): JobInput {
  const holder = { worker_id: report.worker_id, revision: report.revision };
  switch (report.kind) {
    case 'facts':
      return { kind: 'facts', ...holder, duration_s: report.facts.duration_s };
    case 'command':
      return { kind: 'command', ...holder, command: report.command };
    case 'done': {
      const { renditions, size_bytes } = report.output;
      const detail = `${renditions.map((rendition) => rendition.name).join(', ')}; ${size_bytes} bytes`;
      return { kind: 'done', ...holder, cost: report.cost, detail };
    }
    case 'failed':
      return { kind: 'failed', ...holder, failure: report.failure, cost: report.cost };
    case 'returned':
      return { kind: 'returned', ...holder, detail: report.detail };
    default:
      return { kind: report.kind, ...holder };
  }
}
