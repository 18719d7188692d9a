/** What a video is about, who may watch it, and its picture in lists. */
import { useState } from 'preact/hooks';
import type { Video, Visibility } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { formatElapsed } from '../core/format.js';
import { Field, Problem } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useAction } from '../parts/use-action.js';
import { VisibilityChoice } from './video-parts.js';
import { mayChange } from './video-rights.js';
import { parseTags, visibilityHints } from './video-words.js';

interface AboutProps {
  video: Video;
  onChange: (video: Video) => void;
  /** Seconds at which the player stands. */
  playedAt: () => number;
}

export function AboutTab({ video, onChange, playedAt }: AboutProps) {
  const isOpen = mayChange(video) && video.deleted_at === null;
  return (
    <div class="video-columns">
      <Description video={video} onChange={onChange} mayEdit={isOpen} />
      {isOpen && (
        <div class="stack">
          <VisibilityCard video={video} onChange={onChange} />
          {video.output !== null && video.published_at !== null && video.facts?.video !== null && (
            <PosterCard video={video} onChange={onChange} playedAt={playedAt} />
          )}
        </div>
      )}
    </div>
  );
}

function Description({ video, onChange, mayEdit }: { video: Video; onChange: (video: Video) => void; mayEdit: boolean }) {
  const [editing, setEditing] = useState(false);
  if (editing) return <DescriptionForm video={video} onChange={onChange} onClose={() => setEditing(false)} />;
  return (
    <section class="card">
      <header>
        <h2>Description</h2>
        {mayEdit && (
          <button type="button" class="btn small" data-testid="edit-about" onClick={() => setEditing(true)}>
            <Icon name="edit" size={15} /> Edit
          </button>
        )}
      </header>
      <div class="body stack">
        {video.description === '' ? (
          <p class="muted">Nothing is written about it yet.</p>
        ) : (
          <p class="video-description" dir="auto">
            {video.description}
          </p>
        )}
        {video.tags.length > 0 && (
          <div class="tag-row">
            {video.tags.map((tag) => (
              <span key={tag} class="tag">
                {tag}
              </span>
            ))}
          </div>
        )}
      </div>
    </section>
  );
}

function DescriptionForm({ video, onChange, onClose }: { video: Video; onChange: (video: Video) => void; onClose: () => void }) {
  const [description, setDescription] = useState(video.description);
  const [tags, setTags] = useState(video.tags.join(', '));
  const { busy, error, run } = useAction();
  const save = () =>
    run(async () => {
      onChange(await call('update_video', { params: { video_id: video.video_id }, body: { description, tags: parseTags(tags) } }));
      onClose();
    });
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <header>
        <h2>Description</h2>
      </header>
      <div class="body stack">
        <Field label="Description">
          {(ids) => (
            <textarea
              {...ids}
              class="input"
              rows={6}
              maxLength={10_000}
              data-testid="description"
              value={description}
              onInput={(event) => setDescription(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Tags" hint="Apart by commas">
          {(ids) => <input {...ids} class="input" data-testid="tags" value={tags} onInput={(event) => setTags(event.currentTarget.value)} />}
        </Field>
        <Problem error={error} />
        <div class="btn-row">
          <button type="submit" class="btn primary" disabled={busy} data-testid="save-about">
            {busy && <span class="spinner" />} Save
          </button>
          <button type="button" class="btn" onClick={onClose}>
            Cancel
          </button>
        </div>
      </div>
    </form>
  );
}

/** Who may watch it; takes effect with the click. */
export function VisibilityCard({ video, onChange }: { video: Video; onChange: (video: Video) => void }) {
  const { busy, error, run } = useAction();
  const set = (visibility: Visibility) =>
    run(async () => onChange(await call('update_video', { params: { video_id: video.video_id }, body: { visibility } })));
  return (
    <section class="card">
      <header>
        <h2>Who may watch</h2>
      </header>
      <div class="body stack">
        <div>
          <VisibilityChoice value={video.visibility} disabled={busy} onChange={(value) => value !== video.visibility && void set(value)} />
        </div>
        <p class="small second">{visibilityHints[video.visibility]}.</p>
        <Problem error={error} />
      </div>
    </section>
  );
}

function PosterCard({ video, onChange, playedAt }: AboutProps) {
  const { busy, error, run } = useAction();
  const params = { video_id: video.video_id };
  const files = (video.playback_url ?? '').replace(/[^/]*$/, '');
  const posters = video.output?.posters ?? [];
  const take = (body: { candidate: string } | { at_s: number }) => run(async () => onChange(await call('set_poster', { params, body })));
  return (
    <section class="card">
      <header>
        <h2>Picture</h2>
        <button
          type="button"
          class="btn small"
          disabled={busy}
          data-testid="poster-here"
          title="The one that the player shows now"
          onClick={() => void take({ at_s: Math.round(playedAt() * 1000) / 1000 })}
        >
          {busy ? <span class="spinner" /> : <Icon name="camera" size={15} />} This picture
        </button>
      </header>
      <div class="body stack">
        {video.thumbnail_url !== null && (
          <img class="poster-now" src={video.thumbnail_url} alt="The one that is shown now" data-testid="poster-now" />
        )}
        {posters.length > 0 && (
          <ul class="poster-list">
            {posters.map((poster) => (
              <li key={poster.file}>
                <button
                  type="button"
                  disabled={busy}
                  data-testid="poster-candidate"
                  aria-label={`The picture at ${formatElapsed(poster.at_s)}`}
                  onClick={() => void take({ candidate: poster.file })}
                >
                  <img src={`${files}${poster.file}`} alt="" loading="lazy" />
                  <span>{formatElapsed(poster.at_s)}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
        <p class="small muted">Shown in lists and before playing. Pause where you like it and take this picture.</p>
        <Problem error={error} />
      </div>
    </section>
  );
}
