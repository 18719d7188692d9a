/** What can be done with a video as a whole. */
import { useState } from 'preact/hooks';
import type { Video } from '../../contracts/video.js';
import { call, urlOf } from '../core/api.js';
import { navigate } from '../core/router.js';
import { videoHref } from '../core/routing.js';
import { showToast } from '../core/toasts.js';
import { Menu } from '../parts/basics.js';
import { FormDialog } from '../parts/form-dialog.js';
import { Icon } from '../parts/icon.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { PriorityField, ProfileFields } from './draft-fields.js';
import { addFiles } from './uploads.js';
import { trashVideos } from './video-removal.js';
import { mayChange } from './video-rights.js';
import { isWorking } from './video-words.js';

export function VideoActions({ video }: { video: Video }) {
  const [encoding, setEncoding] = useState(false);
  if (!mayChange(video)) return null;
  const hasSource = video.source?.kept === true;
  const remove = () => trashVideos([video], () => navigate('/videos'));
  return (
    <div class="btn-row">
      {!isWorking(video.state) && video.state !== 'ready' && hasSource && (
        <button type="button" class="btn primary" data-testid="process" onClick={() => setEncoding(true)}>
          <Icon name="restart" /> {video.state === 'failed' ? 'Try again' : 'Process'}
        </button>
      )}
      <a class="btn" href={videoHref(video.video_id, 'share')}>
        <Icon name="link" /> Share
      </a>
      <Menu label="More" class="btn icon" trigger={<Icon name="more" />}>
        {hasSource && (
          <>
            <a href={urlOf('video_source', { video_id: video.video_id })} download data-testid="download-source">
              <Icon name="download" /> Download the source
            </a>
            <button type="button" data-testid="encode-again" onClick={() => setEncoding(true)}>
              <Icon name="restart" /> Encode again …
            </button>
          </>
        )}
        <button type="button" data-testid="replace-source" onClick={() => pickReplacement(video)}>
          <Icon name="upload" /> Replace the source …
        </button>
        <hr />
        <button type="button" data-testid="delete-video" onClick={() => void remove()}>
          <Icon name="trash" /> Delete
        </button>
      </Menu>
      {encoding && <EncodeDialog video={video} onClose={() => setEncoding(false)} />}
    </div>
  );
}

/** Asks for a file and sends it as the new source; the present output stays until the new one is there. */
function pickReplacement(video: Video): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = 'video/*,audio/*,.mkv,.ts';
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (file === undefined) return;
    addFiles([file], { replaces: video.video_id });
    showToast({ tone: 'ok', title: 'The new source is on its way', text: 'What is there now is played until it is ready.', href: '/uploads' });
  });
  input.click();
}

function EncodeDialog({ video, onClose }: { video: Video; onClose: () => void }) {
  const [profile, setProfile] = useState(video.output?.profile ?? '');
  const [quality, setQuality] = useState<readonly string[]>([]);
  const [priority, setPriority] = useState('0');
  const state = useAction();
  const start = async () => {
    await call('process_video', {
      params: { video_id: video.video_id },
      body: {
        ...(profile === '' ? {} : { profile }),
        ...(quality.length === 0 ? {} : { quality: [...quality] }),
        ...(Number(priority) === 0 ? {} : { priority: Math.round(Number(priority)) }),
      },
    });
    showToast({ tone: 'ok', title: 'It stands in the queue', href: '/queue' });
    onClose();
  };
  return (
    <FormDialog
      title={video.output === null ? 'Process the video' : 'Encode it again'}
      action="Start"
      testId="start-encoding"
      state={state}
      onSend={start}
      onClose={onClose}
    >
      <ProfileFields
        profile={profile}
        quality={quality}
        onChange={(change) => {
          if (change.profile !== undefined) setProfile(change.profile);
          if (change.quality !== undefined) setQuality(change.quality);
        }}
      />
      <PriorityField value={priority} onValue={setPriority} error={fieldError(state.error, 'priority')} />
      {video.output !== null && <p class="small muted">The present version is played until the new one is complete.</p>}
    </FormDialog>
  );
}
