/** Protecting and deleting what a part of the timeline is kept in. Files are whole: the dialogs say how far they reach. */
import type { Segment } from '../../contracts/recording.js';
import { call } from '../core/api.js';
import { formatBytes } from '../core/format.js';
import { showToast } from '../core/toasts.js';
import { Confirm, Dialog, Failed, SkeletonRows } from '../parts/basics.js';
import { useList } from '../parts/use-list.js';
import { filesIn, type StreamSpan } from './files-in-span.js';
import { zone } from './timeline-state.js';
import { formatClock } from './zone.js';

function reach(files: readonly Segment[]): string {
  const first = files[0];
  const last = files.at(-1);
  if (first === undefined || last === undefined) return '';
  return `${formatClock(Date.parse(first.started_at), zone)} to ${formatClock(Date.parse(last.ended_at), zone)}`;
}

function count(files: readonly unknown[]): string {
  return files.length === 1 ? '1 file' : `${files.length} files`;
}

function useFiles(span: StreamSpan) {
  return useList((signal) => filesIn(span, signal), `${span.streamId} ${span.from} ${span.to}`);
}

function Reading({
  title,
  onClose,
  list,
  reload,
}: {
  title: string;
  onClose: () => void;
  list: ReturnType<typeof useFiles>['list'];
  reload: () => void;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      {list.kind === 'failed' ? (
        <Failed error={list.error} onRetry={reload} />
      ) : list.kind === 'loading' ? (
        <SkeletonRows rows={2} />
      ) : (
        <p class="second">No finished file lies in this part. What is being recorded right now is closed first.</p>
      )}
      <div class="actions">
        <button type="button" class="btn" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

/** Keeps the files of a span from retention, or lets them go again. */
export function SpanProtection({ span, on, onClose }: { span: StreamSpan; on: boolean; onClose: () => void }) {
  const { list, reload } = useFiles(span);
  const title = on ? 'Protect this part?' : 'Release this part?';
  if (list.kind !== 'ready' || list.value.length === 0) return <Reading title={title} onClose={onClose} list={list} reload={reload} />;
  const files = list.value.filter((file) => file.protected !== on);
  const act = async () => {
    for (const file of files) await call('update_segment', { params: { filename: file.filename }, body: { protected: on } });
    showToast({ tone: 'ok', title: on ? `${count(files)} protected` : `${count(files)} released` });
  };
  return (
    <Confirm
      title={title}
      text={
        files.length === 0
          ? `Nothing to do: all ${count(list.value)} ${on ? 'are protected' : 'are free'} already.`
          : on
            ? `${count(files)} from ${reach(files)} are kept until somebody releases them, whatever the retention policy says.`
            : `${count(files)} from ${reach(files)} follow the retention policy again.`
      }
      action={on ? 'Protect' : 'Release'}
      danger={false}
      onConfirm={act}
      onClose={onClose}
    />
  );
}

/** Deletes the files of a span; protected ones stay. */
export function SpanDeletion({ span, onClose, onDone }: { span: StreamSpan; onClose: () => void; onDone: () => void }) {
  const { list, reload } = useFiles(span);
  const title = 'Delete this part?';
  if (list.kind !== 'ready' || list.value.length === 0) return <Reading title={title} onClose={onClose} list={list} reload={reload} />;
  const files = list.value.filter((file) => !file.protected);
  const kept = list.value.length - files.length;
  const bytes = files.reduce((sum, file) => sum + file.file_size, 0);
  const act = async () => {
    if (files.length > 0) {
      const { results, space_freed } = await call('delete_segments', { body: { filenames: files.map((file) => file.filename) } });
      sayDeleted(results, space_freed);
    }
    onDone();
  };
  return (
    <Confirm
      title={title}
      text={
        <>
          Files are deleted whole: {count(files)} from <b>{reach(files) || '–'}</b>, {formatBytes(bytes)}.
          {kept > 0 && ` ${kept} protected ${kept === 1 ? 'file stays' : 'files stay'}.`} This cannot be undone.
        </>
      }
      action={files.length === 0 ? 'Nothing to delete' : `Delete ${count(files)}`}
      onConfirm={act}
      onClose={onClose}
    />
  );
}

/** Says how many files went, and of those that stayed why the first did. */
export function sayDeleted(results: readonly { filename: string; deleted: boolean; message: string }[], freed: number): void {
  const gone = results.filter((one) => one.deleted);
  const stayed = results.find((one) => !one.deleted);
  if (stayed === undefined) showToast({ tone: 'ok', title: `${count(gone)} deleted`, text: `${formatBytes(freed)} freed` });
  else showToast({ tone: 'warn', title: `${gone.length} of ${results.length} files deleted`, text: `${stayed.filename}: ${stayed.message}` });
}
