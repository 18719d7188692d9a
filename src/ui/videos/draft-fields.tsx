/** What may be said of a video before it is there. */
import { useState } from 'preact/hooks';
import type { VideoDraft, Visibility } from '../../contracts/video.js';
import type { VideoProfile } from '../../contracts/video-profile.js';
import { call } from '../core/api.js';
import { Field } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useList } from '../parts/use-list.js';
import { VisibilityChoice } from './video-parts.js';
import { parseTags, visibilityHints } from './video-words.js';

export interface DraftForm {
  title: string;
  description: string;
  tags: string;
  visibility: Visibility;
  profile: string;
  quality: readonly string[];
  priority: string;
  callbackUrl: string;
  process: boolean;
  deleteSource: boolean;
}

export const emptyDraft: DraftForm = {
  title: '',
  description: '',
  tags: '',
  visibility: 'private',
  profile: '',
  quality: [],
  priority: '0',
  callbackUrl: '',
  process: true,
  deleteSource: false,
};

/** The draft of a form; what was left as it is stays out, so that the hub's own defaults count. */
export function toDraft(form: DraftForm): VideoDraft {
  const tags = parseTags(form.tags);
  const priority = Number(form.priority);
  return {
    ...(form.title.trim() === '' ? {} : { title: form.title.trim() }),
    ...(form.description.trim() === '' ? {} : { description: form.description.trim() }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(form.visibility === 'private' ? {} : { visibility: form.visibility }),
    ...(form.profile === '' ? {} : { profile: form.profile }),
    ...(form.quality.length === 0 ? {} : { quality: [...form.quality] }),
    ...(priority === 0 || !Number.isInteger(priority) ? {} : { priority }),
    ...(form.callbackUrl.trim() === '' ? {} : { callback_url: form.callbackUrl.trim() }),
    ...(form.process ? {} : { process: false }),
    ...(form.deleteSource ? { delete_source: true } : {}),
  };
}

interface DraftProps {
  form: DraftForm;
  onChange: (form: DraftForm) => void;
  /** Off where several files share the settings. */
  withTitle?: boolean;
  open?: boolean;
}

/** Folded away: most uploads need none of it. */
export function DraftFields({ form, onChange, withTitle = true, open = false }: DraftProps) {
  const [isOpen, setOpen] = useState(open);
  const set = (change: Partial<DraftForm>) => onChange({ ...form, ...change });
  return (
    <div class="draft">
      <button type="button" class="btn quiet small draft-toggle" aria-expanded={isOpen} data-testid="more-settings" onClick={() => setOpen(!isOpen)}>
        <Icon name={isOpen ? 'up' : 'down'} size={15} /> {isOpen ? 'Fewer settings' : 'More: title, tags, who may watch, quality'}
      </button>
      {isOpen && (
        <div class="draft-body">
          <AboutFields form={form} set={set} withTitle={withTitle} />
          <WorkFields form={form} set={set} />
        </div>
      )}
    </div>
  );
}

function AboutFields({ form, set, withTitle }: { form: DraftForm; set: (change: Partial<DraftForm>) => void; withTitle: boolean }) {
  return (
    <>
      {withTitle && (
        <Field label="Title" hint="Left empty: made from the file name">
          {(ids) => (
            <input {...ids} class="input" maxLength={300} value={form.title} onInput={(event) => set({ title: event.currentTarget.value })} />
          )}
        </Field>
      )}
      <Field label="Tags" hint="Apart by commas">
        {(ids) => <input {...ids} class="input" value={form.tags} onInput={(event) => set({ tags: event.currentTarget.value })} />}
      </Field>
      <Field label="Description">
        {(ids) => (
          <textarea
            {...ids}
            class="input"
            rows={3}
            maxLength={10_000}
            value={form.description}
            onInput={(event) => set({ description: event.currentTarget.value })}
          />
        )}
      </Field>
      <div class="field">
        <span class="label">Who may watch</span>
        <div>
          <VisibilityChoice value={form.visibility} onChange={(visibility) => set({ visibility })} />
        </div>
        <span class="hint">{visibilityHints[form.visibility]}</span>
      </div>
    </>
  );
}

function WorkFields({ form, set }: { form: DraftForm; set: (change: Partial<DraftForm>) => void }) {
  return (
    <>
      <ProfileFields profile={form.profile} quality={form.quality} onChange={set} />
      <div class="form-grid">
        <PriorityField value={form.priority} onValue={(priority) => set({ priority })} />
        <Field label="Callback address" hint="Is told when it is ready, or failed">
          {(ids) => (
            <input
              {...ids}
              class="input"
              type="url"
              placeholder="https://"
              maxLength={2048}
              data-testid="callback-url"
              value={form.callbackUrl}
              onInput={(event) => set({ callbackUrl: event.currentTarget.value })}
            />
          )}
        </Field>
      </div>
      <label class="check">
        <input type="checkbox" checked={form.process} onChange={(event) => set({ process: event.currentTarget.checked })} />
        <span>
          Process it at once
          <small>Otherwise it waits in the library until you ask for it</small>
        </span>
      </label>
      <label class="check">
        <input type="checkbox" checked={form.deleteSource} onChange={(event) => set({ deleteSource: event.currentTarget.checked })} />
        <span>
          Delete the source afterwards
          <small>Saves room; it cannot be encoded anew then</small>
        </span>
      </label>
    </>
  );
}

/** Which job comes before which. */
export function PriorityField({ value, onValue, error }: { value: string; onValue: (value: string) => void; error?: string | undefined }) {
  return (
    <Field label="Priority" hint="−50 to 50; higher comes first" error={error}>
      {(ids) => (
        <input
          {...ids}
          class="input"
          type="number"
          min={-50}
          max={50}
          data-testid="priority-field"
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface ProfileProps {
  profile: string;
  quality: readonly string[];
  onChange: (change: { profile?: string; quality?: readonly string[] }) => void;
}

/** Profile and the steps of its ladder; none chosen means all. */
export function ProfileFields({ profile, quality, onChange }: ProfileProps) {
  const { list } = useList((signal) => call('list_profiles', { signal }));
  const profiles = list.kind === 'ready' ? list.value.items : [];
  const usual = list.kind === 'ready' ? list.value.default : '';
  const current = profiles.find((one) => one.name === (profile === '' ? usual : profile));
  const toggle = (name: string) => onChange({ quality: quality.includes(name) ? quality.filter((one) => one !== name) : [...quality, name] });
  return (
    <>
      <Field label="Profile" hint={current === undefined ? undefined : describeProfile(current)}>
        {(ids) => (
          <select
            {...ids}
            class="input"
            data-testid="profile"
            value={current?.name ?? ''}
            onChange={(event) => onChange({ profile: event.currentTarget.value, quality: [] })}
          >
            {profiles.map((one) => (
              <option key={one.name} value={one.name}>
                {one.title === '' ? one.name : `${one.title} (${one.name})`}
              </option>
            ))}
          </select>
        )}
      </Field>
      {current !== undefined && current.renditions.length > 1 && (
        <div class="field">
          <span class="label">Qualities</span>
          <fieldset class="btn-row" aria-label="Qualities">
            {current.renditions.map((step) => (
              <button key={step.name} type="button" class="btn small" aria-pressed={quality.includes(step.name)} onClick={() => toggle(step.name)}>
                {step.name}
              </button>
            ))}
          </fieldset>
          <span class="hint">{quality.length === 0 ? 'All that the source is large enough for' : 'Only the chosen ones'}</span>
        </div>
      )}
    </>
  );
}

function describeProfile(profile: VideoProfile): string {
  const parts = [
    profile.container === 'cmaf' ? (profile.dash ? 'HLS and DASH from fragmented MP4' : 'HLS from fragmented MP4') : 'HLS from MPEG-TS',
    profile.rate === 'capped_crf' ? 'constant quality' : 'fixed bit rates',
    ...(profile.encryption === 'none' ? [] : ['encrypted']),
  ];
  return parts.join(', ');
}
