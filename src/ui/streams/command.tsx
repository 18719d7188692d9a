/** The FFmpeg command of a stream, to read and to copy. */
import { useState } from 'preact/hooks';
import { videoEncoders } from '../../contracts/stream.js';
import { call } from '../core/api.js';
import { streamModel } from '../core/data.js';
import { place } from '../core/router.js';
import { CopyButton, Failed, SkeletonRows } from '../parts/basics.js';
import { useList } from '../parts/use-list.js';

type Encoder = (typeof videoEncoders)[number] | 'own';

export default function Command() {
  const id = place.value.params.id ?? '';
  const [encoder, setEncoder] = useState<Encoder>('own');
  const revision = streamModel(id)?.stream.value.revision;
  const { list, reload } = useList(
    (signal) =>
      call('stream_command_preview', { params: { stream_id: id }, query: encoder === 'own' ? {} : { encoder }, signal }).then(
        (answer) => answer.command,
      ),
    `${id} ${encoder} ${revision}`,
  );
  return (
    <>
      <div class="chart-bar">
        <p class="small second">What the spoke runs for this stream. Credentials are hidden.</p>
        <label class="btn-row small">
          <span class="second">Encoder</span>
          <select class="input" style={{ width: 'auto' }} value={encoder} onChange={(event) => setEncoder(event.currentTarget.value as Encoder)}>
            <option value="own">as configured</option>
            {videoEncoders
              .filter((one) => one !== 'auto')
              .map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
          </select>
        </label>
        {list.kind === 'ready' && <CopyButton text={list.value.map(quote).join(' ')} small={false} />}
      </div>
      {list.kind === 'loading' && <SkeletonRows rows={4} />}
      {list.kind === 'failed' && <Failed error={list.error} onRetry={reload} />}
      {list.kind === 'ready' && <CommandText command={list.value} />}
    </>
  );
}

/** Arguments in the form a shell takes them. */
function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

/** One option with its values per line. */
export function CommandText({ command }: { command: readonly string[] }) {
  return (
    <pre class="command" data-testid="command">
      {command.map((argument, index) => {
        const isFlag = /^-[a-z]/i.test(argument);
        const text = quote(argument);
        return (
          <span key={index} class={index === 0 ? 'program' : isFlag ? 'flag' : ''}>
            {isFlag && index > 0 ? `\n  ${text} ` : `${text} `}
          </span>
        );
      })}
    </pre>
  );
}
