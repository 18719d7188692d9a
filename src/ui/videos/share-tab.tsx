/** Ways to let others watch: links with an end, and code for other sites. */
import { useState } from 'preact/hooks';
import type { Video, VideoLink } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { CopyButton, Failed, Field, Problem, SkeletonRows, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { leaving, removeLater } from '../parts/undo.js';
import { useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import { VisibilityCard } from './about-tab.js';

const day = 86_400;
const lifetimes: readonly { label: string; seconds: number | null }[] = [
  { label: '1 hour', seconds: 3600 },
  { label: '1 day', seconds: day },
  { label: '7 days', seconds: 7 * day },
  { label: '30 days', seconds: 30 * day },
  { label: '1 year', seconds: 365 * day },
  { label: 'Never', seconds: null },
];

export function ShareTab({ video, onChange }: { video: Video; onChange: (video: Video) => void }) {
  return (
    <div class="video-columns">
      <div class="stack">{video.visibility === 'private' ? <PrivateNote /> : <Links key={video.video_id} video={video} />}</div>
      <div class="stack">
        <VisibilityCard video={video} onChange={onChange} />
        {video.visibility === 'public' && <PublicCard video={video} />}
      </div>
    </div>
  );
}

function PrivateNote() {
  return (
    <section class="card">
      <header>
        <h2>Links</h2>
      </header>
      <div class="body">
        <p class="second">A private video has no links. Choose “By link” first; nobody can watch it then without a link that you made.</p>
      </div>
    </section>
  );
}

/** As others write it: with the address of this hub where the link has none of its own. */
function absolute(url: string): string {
  return new URL(url, location.href).href;
}

function embedCode(url: string, video: Video): string {
  const picture = video.facts?.video;
  const ratio = picture == null || picture.width === 0 ? 9 / 16 : picture.height / picture.width;
  const title = video.title.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');
  return `<iframe src="${absolute(url)}" title="${title}" width="640" height="${Math.round(640 * ratio)}" style="border:0" allow="fullscreen; picture-in-picture" allowfullscreen></iframe>`;
}

function PublicCard({ video }: { video: Video }) {
  const watch = absolute(`/watch/${encodeURIComponent(video.video_id)}`);
  const code = embedCode(`/embed/${encodeURIComponent(video.video_id)}`, video);
  return (
    <section class="card">
      <header>
        <h2>For everybody</h2>
      </header>
      <div class="body stack">
        <p class="small second">Everybody who reaches this hub can watch it here, without a link of their own.</p>
        <div class="secret">
          <code>{watch}</code>
          <CopyButton text={watch} />
        </div>
        <CopyButton text={code} label="Copy embed code" />
      </div>
    </section>
  );
}

function Links({ video }: { video: Video }) {
  const params = { video_id: video.video_id };
  const { list, reload } = useList((signal) => call('list_video_links', { params, signal }), video.visibility);
  return (
    <section class="card" data-testid="links">
      <header>
        <h2>Links</h2>
        <span class="small muted">Whoever has one can watch without an account</span>
      </header>
      <div class="body stack">
        <NewLink videoId={video.video_id} onMade={reload} />
        {list.kind === 'failed' && <Failed error={list.error} onRetry={reload} />}
        {list.kind === 'loading' && <SkeletonRows rows={2} />}
        {list.kind === 'ready' && list.value.items.length === 0 && <p class="muted small">No link is valid now.</p>}
      </div>
      {list.kind === 'ready' && list.value.items.length > 0 && (
        <ul class="link-list">
          {list.value.items
            .filter((link) => !leaving.value.has(link.link_id))
            .map((link) => (
              <LinkRow key={link.link_id} link={link} video={video} onRevoked={reload} />
            ))}
        </ul>
      )}
    </section>
  );
}

function NewLink({ videoId, onMade }: { videoId: string; onMade: () => void }) {
  const [name, setName] = useState('');
  const [lifetime, setLifetime] = useState('7 days');
  const { busy, error, run } = useAction();
  const make = () =>
    run(async () => {
      const seconds = lifetimes.find((one) => one.label === lifetime)?.seconds ?? null;
      await call('create_video_link', {
        params: { video_id: videoId },
        body: { expires_in_s: seconds, ...(name.trim() === '' ? {} : { name: name.trim() }) },
      });
      setName('');
      onMade();
    });
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void make();
      }}
    >
      <div class="new-link">
        <Field label="For whom">
          {(ids) => (
            <input
              {...ids}
              class="input"
              maxLength={120}
              placeholder="Only for your own memory"
              data-testid="link-name"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Ends after">
          {(ids) => (
            <select {...ids} class="input" value={lifetime} onChange={(event) => setLifetime(event.currentTarget.value)}>
              {lifetimes.map((one) => (
                <option key={one.label}>{one.label}</option>
              ))}
            </select>
          )}
        </Field>
        <button type="submit" class="btn primary" disabled={busy} data-testid="make-link">
          {busy ? <span class="spinner" /> : <Icon name="link" size={16} />} Make a link
        </button>
      </div>
      <Problem error={error} />
    </form>
  );
}

function LinkRow({ link, video, onRevoked }: { link: VideoLink; video: Video; onRevoked: () => void }) {
  const revoke = () =>
    removeLater({
      key: link.link_id,
      title: `${link.name === '' ? 'The link' : link.name} is revoked`,
      remove: (keepalive) => call('delete_video_link', { params: { video_id: link.video_id, link_id: link.link_id }, keepalive }),
      onRemoved: onRevoked,
    });
  return (
    <li data-testid="link">
      <div class="link-name">
        <b class="clip">{link.name === '' ? 'Link' : link.name}</b>
        <span class="small muted">
          {link.expires_at === null ? (
            'no end'
          ) : (
            <>
              ends <Time value={link.expires_at} />
            </>
          )}
          {' · '}made <Time value={link.created_at} /> by {link.created_by}
        </span>
      </div>
      <span class="btn-row">
        <CopyButton text={absolute(link.watch_url)} label="Copy link" />
        <CopyButton text={embedCode(link.embed_url, video)} label="Embed code" />
        <a
          class="btn small icon"
          href={link.watch_url}
          target="_blank"
          rel="noreferrer"
          aria-label="Open as others see it"
          title="Open as others see it"
        >
          <Icon name="eye" size={16} />
        </a>
        <button type="button" class="btn small" data-testid="revoke" onClick={revoke}>
          Revoke
        </button>
      </span>
    </li>
  );
}
