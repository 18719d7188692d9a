/** Videos that the hub gets by itself: from an address, or from its own folders. */
import { useState } from 'preact/hooks';
import type { VideoDraft } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { navigate } from '../core/router.js';
import { videoHref } from '../core/routing.js';
import { showToast } from '../core/toasts.js';
import { Field, Problem } from '../parts/basics.js';
import { Icon, type IconName } from '../parts/icon.js';
import { fieldError, useAction } from '../parts/use-action.js';

interface Place {
  /** As the hub calls it, also when it finds fault with it. */
  field: 'url' | 'path';
  label: string;
  hint: string;
  placeholder: string;
  maxLength: number;
  action: string;
  icon: IconName;
  testId: string;
}

const address: Place = {
  field: 'url',
  label: 'Address of a video file',
  hint: 'HTTP or HTTPS, reachable from the hub',
  placeholder: 'https://',
  maxLength: 2048,
  action: 'Fetch',
  icon: 'download',
  testId: 'fetch-url',
};
const path: Place = {
  field: 'path',
  label: 'Path of a file on the hub',
  hint: 'In one of the folders of vod.source_folders; it is used in place, not copied',
  placeholder: '/media/archive/film.mp4',
  maxLength: 4096,
  action: 'Take it',
  icon: 'plus',
  testId: 'take-path',
};

/** The hub fetches it; how far it is stands in the list below. */
export function ByAddress({ draft, onTaken }: { draft: () => VideoDraft; onTaken: () => void }) {
  const take = async (url: string) => {
    await call('upload_url', { body: { url, draft: draft() } });
    showToast({ tone: 'ok', title: 'The hub fetches it', text: 'You can leave this page.' });
    onTaken();
  };
  return <FromPlace place={address} onTake={take} />;
}

/** A file that lies in a source folder is used where it is. */
export function ByPath({ draft }: { draft: () => VideoDraft }) {
  const take = async (text: string) => {
    const video = await call('upload_path', { body: { path: text, draft: draft() } });
    navigate(videoHref(video.video_id));
  };
  return <FromPlace place={path} onTake={take} />;
}

function FromPlace({ place, onTake }: { place: Place; onTake: (text: string) => Promise<void> }) {
  const [text, setText] = useState('');
  const { busy, error, run } = useAction();
  const inField = fieldError(error, place.field);
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void run(() => onTake(text.trim())).then((ok) => ok && setText(''));
      }}
    >
      <Field label={place.label} hint={place.hint} error={inField}>
        {(ids) => (
          <input
            {...ids}
            class="input mono"
            inputMode={place.field === 'url' ? 'url' : 'text'}
            required
            maxLength={place.maxLength}
            placeholder={place.placeholder}
            autocapitalize="none"
            spellcheck={false}
            data-testid={place.field}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        )}
      </Field>
      {inField === undefined && <Problem error={error} />}
      <div>
        <button type="submit" class="btn primary" disabled={busy} data-testid={place.testId}>
          {busy ? <span class="spinner" /> : <Icon name={place.icon} size={16} />} {place.action}
        </button>
      </div>
    </form>
  );
}
