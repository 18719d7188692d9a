/** A part of the timeline as a video of the library. */
import { useState } from 'preact/hooks';
import type { Visibility } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { streamModel } from '../core/data.js';
import { formatLength } from '../core/format.js';
import { navigate } from '../core/router.js';
import { videoHref } from '../core/routing.js';
import { Field } from '../parts/basics.js';
import { FormDialog } from '../parts/form-dialog.js';
import { fieldError, useAction } from '../parts/use-action.js';
import type { StreamSpan } from './files-in-span.js';
import { zone } from './timeline-state.js';
import { formatClock, toField } from './zone.js';

export function MakeVideoDialog({ span, onClose }: { span: StreamSpan; onClose: () => void }) {
  const name = streamModel(span.streamId)?.stream.peek().name ?? span.streamId;
  const [title, setTitle] = useState(`${name}, ${toField(span.from, zone).replace('T', ' ').slice(0, 16)}`);
  const [visibility, setVisibility] = useState<Visibility>('private');
  const state = useAction();
  const make = async () => {
    const video = await call('video_from_recording', {
      body: {
        stream_id: span.streamId,
        from: new Date(span.from).toISOString(),
        to: new Date(span.to).toISOString(),
        draft: { ...(title.trim() === '' ? {} : { title: title.trim() }), visibility },
      },
    });
    navigate(videoHref(video.video_id));
  };
  const action = state.busy ? 'Reading the recording' : 'Make a video';
  return (
    <FormDialog title="Make a video" action={action} testId="make-video" state={state} onSend={make} onClose={onClose}>
      <dl class="facts">
        <dt>Stream</dt>
        <dd>{name}</dd>
        <dt>Time</dt>
        <dd>
          {formatClock(span.from, zone)} – {formatClock(span.to, zone)} ({formatLength(span.to - span.from)})
        </dd>
      </dl>
      <Field label="Title" error={fieldError(state.error, 'title')}>
        {(ids) => (
          <input
            {...ids}
            class="input"
            maxLength={300}
            data-testid="video-title"
            value={title}
            onInput={(event) => setTitle(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label="Who may watch">
        {(ids) => (
          <select {...ids} class="input" value={visibility} onChange={(event) => setVisibility(event.currentTarget.value as Visibility)}>
            <option value="private">Its owner and operators</option>
            <option value="link">Also whoever has a link</option>
            <option value="public">Everybody who reaches this hub</option>
          </select>
        )}
      </Field>
      <p class="small muted">It is copied from the recording, and stays when that is deleted.</p>
    </FormDialog>
  );
}
