/** Bringing videos in: files from here, an address, or a path on the hub. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Upload } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { useLookAgain } from '../core/look-again.js';
import { PageHead } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useList } from '../parts/use-list.js';
import { ByAddress, ByPath } from './bring-in.js';
import { DraftFields, type DraftForm, emptyDraft, toDraft } from './draft-fields.js';
import { TransferList } from './transfer-list.js';
import { UnfinishedUploads } from './unfinished-uploads.js';
import { addFiles, uploadsChanged } from './uploads.js';
import './videos.css';

const ways = { file: 'Files', url: 'Address', path: 'Path on the hub' } as const;
type Way = keyof typeof ways;

export default function UploadPage() {
  const [way, setWay] = useState<Way>('file');
  const [form, setForm] = useState<DraftForm>(emptyDraft);
  const { list, reload } = useUnfinished();
  const unfinished = list.kind === 'ready' ? list.value : [];
  const take = (files: readonly File[]) => {
    takeFiles(files, form, unfinished);
    setForm({ ...form, title: '' });
  };
  const dragging = useDrop((files) => {
    setWay('file');
    take(files);
  });
  return (
    <div class="page narrow upload-page">
      <PageHead title="Upload">
        <a class="btn" href="/videos">
          <Icon name="film" /> All videos
        </a>
      </PageHead>
      <div class="stack">
        <section class="card">
          <div class="body stack">
            <fieldset class="segmented" aria-label="Where it comes from">
              {(Object.keys(ways) as Way[]).map((one) => (
                <button key={one} type="button" aria-pressed={way === one} data-testid={`way-${one}`} onClick={() => setWay(one)}>
                  {ways[one]}
                </button>
              ))}
            </fieldset>
            {way === 'file' && <PickFiles onFiles={take} dragging={dragging} />}
            {way === 'url' && <ByAddress draft={() => toDraft(form)} onTaken={reload} />}
            {way === 'path' && <ByPath draft={() => toDraft(form)} />}
            <DraftFields form={form} onChange={setForm} />
          </div>
        </section>
        <TransferList />
        <UnfinishedUploads uploads={unfinished} onChanged={reload} onFile={(file, upload) => addFiles([file], {}, upload)} />
      </div>
      {dragging && (
        <div class="drop-veil" aria-hidden="true">
          <Icon name="upload" size={44} />
          <b>Drop to upload</b>
        </div>
      )}
    </div>
  );
}

/** A file of the name and size of an unfinished upload goes on with that one. */
function takeFiles(files: readonly File[], form: DraftForm, unfinished: readonly Upload[]): void {
  const draft = toDraft(form);
  const { title, ...shared } = draft;
  for (const file of files) {
    const resume = unfinished.find((one) => one.url !== null && one.name === file.name && one.size_bytes === file.size && one.state === 'paused');
    addFiles([file], files.length === 1 && title !== undefined ? draft : shared, resume);
  }
}

/** The hub's unfinished uploads, and those of addresses that are being fetched. */
function useUnfinished() {
  const unfinished = useList(
    (signal) =>
      call('list_uploads', { query: { limit: 50 }, signal }).then((page) =>
        page.items.filter((one) => ['receiving', 'paused', 'checking'].includes(one.state) || (one.method === 'url' && one.state === 'failed')),
      ),
    uploadsChanged.value,
  );
  const { list, reload } = unfinished;
  // No event tells how much has arrived.
  useLookAgain(reload, list.kind === 'ready' && list.value.some((one) => one.state === 'receiving' || one.state === 'checking'));
  return unfinished;
}

/** Files dropped anywhere on the page; true while some are held over it. */
function useDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [dragging, setDragging] = useState(false);
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    document.addEventListener(
      'dragover',
      (event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        setDragging(true);
      },
      { signal },
    );
    document.addEventListener('dragleave', (event) => event.relatedTarget === null && setDragging(false), { signal });
    document.addEventListener(
      'drop',
      (event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        setDragging(false);
        latest.current([...(event.dataTransfer?.files ?? [])]);
      },
      { signal },
    );
    return () => controller.abort();
  }, []);
  return dragging;
}

function PickFiles({ onFiles, dragging }: { onFiles: (files: readonly File[]) => void; dragging: boolean }) {
  return (
    <label class="drop-zone" data-dragging={dragging}>
      <Icon name="upload" size={34} />
      <b>Drop videos here, or pick them</b>
      <span class="small muted">Any size; an interrupted upload goes on where it stopped</span>
      <input
        type="file"
        multiple
        accept="video/*,audio/*,.mkv,.ts,.m2ts,.mxf,.avi,.flv,.webm,.mov"
        data-testid="file-input"
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      <span class="btn primary" aria-hidden="true">
        Pick files
      </span>
    </label>
  );
}
