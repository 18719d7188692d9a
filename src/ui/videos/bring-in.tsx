/** Videos that the hub gets by itself: from an address, or from its own folders. */
import { useState } from 'preact/hooks';
import type { VideoDraft } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { navigate } from '../core/router.js';
import { videoHref } from '../core/routing.js';
import { showToast } from '../core/toasts.js';
import { Field, Problem } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { fieldError, useAction } from '../parts/use-action.js';

/** The hub fetches it; how far it is stands in the list below. */
export function ByAddress({ draft, onTaken }: { draft: () => VideoDraft; onTaken: () => void }) {
  const [url, setUrl] = useState('');
  const { busy, error, run } = useAction();
  const submit = () =>
    run(async () => {
      await call('upload_url', { body: { url: url.trim(), draft: draft() } });
      setUrl('');
      showToast({ tone: 'ok', title: 'The hub fetches it', text: 'You can leave this page.' });
      onTaken();
    });
  const inField = fieldError(error, 'url');
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Field label="Address of a video file" hint="HTTP or HTTPS, reachable from the hub" error={inField}>
        {(ids) => (
          <input
            {...ids}
            class="input"
            type="url"
            required
            maxLength={2048}
            placeholder="https://"
            data-testid="url"
            value={url}
            onInput={(event) => setUrl(event.currentTarget.value)}
          />
        )}
      </Field>
      {inField === undefined && <Problem error={error} />}
      <div>
        <button type="submit" class="btn primary" disabled={busy} data-testid="fetch-url">
          {busy ? <span class="spinner" /> : <Icon name="download" size={16} />} Fetch
        </button>
      </div>
    </form>
  );
}

/** A file that lies in a source folder is used where it is. */
export function ByPath({ draft }: { draft: () => VideoDraft }) {
  const [path, setPath] = useState('');
  const { busy, error, run } = useAction();
  const submit = () =>
    run(async () => {
      const video = await call('upload_path', { body: { path: path.trim(), draft: draft() } });
      navigate(videoHref(video.video_id));
    });
  const inField = fieldError(error, 'path');
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Field label="Path of a file on the hub" hint="In one of the folders of vod.source_folders; it is used in place, not copied" error={inField}>
        {(ids) => (
          <input
            {...ids}
            class="input mono"
            required
            maxLength={4096}
            placeholder="/media/archive/film.mp4"
            data-testid="path"
            value={path}
            onInput={(event) => setPath(event.currentTarget.value)}
          />
        )}
      </Field>
      {inField === undefined && <Problem error={error} />}
      <div>
        <button type="submit" class="btn primary" disabled={busy} data-testid="take-path">
          {busy ? <span class="spinner" /> : <Icon name="plus" size={16} />} Take it
        </button>
      </div>
    </form>
  );
}
