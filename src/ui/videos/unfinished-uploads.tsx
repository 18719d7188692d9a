/** Uploads that the hub holds unfinished: of another visit, another device, or fetched by the hub itself. */
import { useState } from 'preact/hooks';
import type { Upload } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { formatBytes } from '../core/format.js';
import { showToast } from '../core/toasts.js';
import { Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { reportingFailure } from './report-failure.js';
import { detailBeyond, transfers, wordsOfUpload } from './uploads.js';
import { Meter } from './video-parts.js';

interface UnfinishedProps {
  uploads: readonly Upload[];
  onChanged: () => void;
  /** The same file was picked again. */
  onFile: (file: File, upload: Upload) => void;
}

/** What this page sends itself stands in its own list and is left out. */
export function UnfinishedUploads({ uploads, onChanged, onFile }: UnfinishedProps) {
  const own = new Set(transfers.value.filter((one) => one.state.value.kind !== 'done').map((one) => `${one.file.name} ${one.file.size}`));
  const shown = uploads.filter((upload) => !own.has(`${upload.name} ${upload.size_bytes}`));
  if (shown.length === 0) return null;
  return (
    <section class="card" data-testid="unfinished">
      <header>
        <h2>Unfinished</h2>
        <span class="small muted">Kept on the hub; they go on where they stopped</span>
      </header>
      <ul class="transfer-list">
        {shown.map((upload) => (
          <UnfinishedRow key={upload.upload_id} upload={upload} onChanged={onChanged} onFile={onFile} />
        ))}
      </ul>
    </section>
  );
}

function UnfinishedRow({ upload, onChanged, onFile }: { upload: Upload } & Omit<UnfinishedProps, 'uploads'>) {
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const total = upload.size_bytes;
  const percent = total === null || total === 0 ? 0 : (upload.received_bytes / total) * 100;
  const pick = (file: File | undefined) => {
    if (file === undefined) return;
    if (file.size !== total) {
      setWrong(`That file has ${formatBytes(file.size)}, this upload ${formatBytes(total ?? 0)}. Pick the same file as before.`);
      return;
    }
    if (file.name !== upload.name) showToast({ tone: 'warn', title: 'The name differs, the size fits', text: 'Make sure that it is the same file.' });
    onFile(file, upload);
  };
  const drop = async () => {
    await reportingFailure(() => call('delete_upload', { params: { upload_id: upload.upload_id } }));
    onChanged();
  };
  return (
    <li class="transfer" data-state={upload.state}>
      <div class="transfer-head">
        <b class="clip" title={upload.name}>
          {upload.name}
        </b>
        <span class="btn-row tight">
          {upload.url !== null && upload.state === 'paused' && (
            <label class="btn small">
              <Icon name="upload" size={15} /> Pick the same file
              <input type="file" class="sr" data-testid="resume-file" onChange={(event) => pick(event.currentTarget.files?.[0])} />
            </label>
          )}
          {upload.state !== 'checking' && upload.state !== 'failed' && (
            <button
              type="button"
              class="btn icon quiet small"
              aria-label={`Cancel ${upload.name}`}
              title="Cancel and delete"
              onClick={() => void drop()}
            >
              <Icon name="close" size={15} />
            </button>
          )}
        </span>
      </div>
      {upload.state !== 'failed' && total !== null && (
        <Meter percent={percent} label={`${upload.name}: ${Math.round(percent)} percent`} {...(upload.state === 'paused' ? { tone: 'quiet' } : {})} />
      )}
      <div class="small second">
        <UploadWords upload={upload} />
      </div>
      {wrong !== undefined && (
        <div class="small transfer-failed" role="alert">
          {wrong}
        </div>
      )}
    </li>
  );
}

function UploadWords({ upload }: { upload: Upload }) {
  if (upload.state === 'failed') {
    return (
      <span class="transfer-failed">
        <b>{wordsOfUpload(upload)}</b> {detailBeyond(upload)}
      </span>
    );
  }
  if (upload.state === 'checking') return <>The hub looks at it</>;
  const of = upload.size_bytes === null ? '' : ` of ${formatBytes(upload.size_bytes)}`;
  const how = upload.method === 'url' ? 'Fetched' : 'Received';
  return (
    <>
      {how} {formatBytes(upload.received_bytes)}
      {of}
      {upload.state === 'receiving' && upload.bytes_per_s !== null && ` · ${formatBytes(Math.round(upload.bytes_per_s))}/s`}
      {upload.expires_at !== null && upload.state === 'paused' && (
        <span class="muted">
          {' · '}deleted <Time value={upload.expires_at} />
        </span>
      )}
    </>
  );
}
