/** What is said of a video before it is there. */
import { parseWith, type VideoDraft, videoDraftSchema, videoTimeSchema, WeirError } from '../../contracts/index.js';

/** The same limit at every door. */
const maxDraftLength = 32_768;

/** Reads a draft that came as text. Throws `invalid_argument` naming the field. */
export function parseDraft(text: string | undefined): VideoDraft {
  if (text === undefined || text.trim() === '') return {};
  if (text.length > maxDraftLength)
    throw new WeirError('invalid_argument', `The draft may have ${maxDraftLength} characters at most`, { field: 'draft' });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WeirError('invalid_argument', 'The draft is not valid JSON', { field: 'draft', received: text.slice(0, 120), cause });
  }
  return checkTimes(inField('draft', () => parseWith(videoDraftSchema, value)));
}

/** What the schema of a draft leaves open. */
export function checkTimes(draft: VideoDraft): VideoDraft {
  const { thumbnail_time } = draft;
  if (thumbnail_time !== undefined && !videoTimeSchema.safeParse(thumbnail_time).success) {
    throw new WeirError('invalid_argument', 'Write seconds or hh:mm:ss', { field: 'draft.thumbnail_time', received: thumbnail_time });
  }
  return draft;
}

/** Faulty fields are named with where they stand. */
function inField<T>(field: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof WeirError)) throw thrown;
    const errors = thrown.errors.map((one) => ({ ...one, field: one.field === '(body)' ? field : `${field}.${one.field}` }));
    throw new WeirError(thrown.code, `${field}.${thrown.message}`, { errors, cause: thrown });
  }
}
