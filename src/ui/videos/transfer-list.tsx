/** The row of files on their way. */
import type { ComponentChildren } from 'preact';
import { formatBytes } from '../core/format.js';
import { videoHref } from '../core/routing.js';
import { Icon } from '../parts/icon.js';
import { bytesPerSecond, secondsLeft } from './transfer-rate.js';
import { clearFinished, pauseTransfer, removeTransfer, resumeTransfer, reuseKnown, sendAnyway, type Transfer, transfers } from './uploads.js';
import { Meter } from './video-parts.js';
import { formatLeft } from './video-words.js';

export function TransferList() {
  const all = transfers.value;
  if (all.length === 0) return null;
  const done = all.filter((one) => one.state.value.kind === 'done').length;
  const failed = all.filter((one) => one.state.value.kind === 'failed').length;
  return (
    <section class="card" data-testid="transfers">
      <header>
        <h2>{done === all.length ? 'Uploaded' : 'On the way'}</h2>
        <span class="small muted">
          {done} of {all.length} done
          {failed > 0 && `, ${failed} failed`}
        </span>
        {done > 0 && (
          <button type="button" class="btn small" onClick={clearFinished}>
            Clear
          </button>
        )}
      </header>
      <ul class="transfer-list">
        {all.map((transfer) => (
          <TransferRow key={transfer.key} transfer={transfer} />
        ))}
      </ul>
    </section>
  );
}

function TransferRow({ transfer }: { transfer: Transfer }) {
  const state = transfer.state.value;
  const sent = transfer.sentBytes.value;
  const percent = transfer.file.size === 0 ? 0 : (sent / transfer.file.size) * 100;
  return (
    <li class="transfer" data-testid="transfer" data-state={state.kind}>
      <div class="transfer-head">
        <b class="clip" title={transfer.file.name}>
          {transfer.file.name}
        </b>
        <TransferActions transfer={transfer} />
      </div>
      {(state.kind === 'sending' || state.kind === 'paused' || state.kind === 'checking') && (
        <Meter
          percent={percent}
          label={`${transfer.file.name}: ${Math.round(percent)} percent`}
          {...(state.kind === 'paused' ? { tone: 'quiet' } : {})}
        />
      )}
      <div class="small second" role="status">
        <TransferWords transfer={transfer} />
      </div>
    </li>
  );
}

function TransferWords({ transfer }: { transfer: Transfer }) {
  const state = transfer.state.value;
  const size = formatBytes(transfer.file.size);
  switch (state.kind) {
    case 'waiting':
      return <>Waits for its turn · {size}</>;
    case 'hashing':
      return <>Looks whether it is here already · {size}</>;
    case 'sending':
      return <Sending transfer={transfer} />;
    case 'paused':
      return (
        <>
          Paused at {formatBytes(transfer.sentBytes.value)} of {size}
        </>
      );
    case 'checking':
      return <>All sent; the hub looks at it</>;
    case 'done':
      return (
        <span class="transfer-done">
          <Icon name="check" size={15} /> {size} · <a href={videoHref(state.videoId)}>Open the video</a>
        </span>
      );
    case 'known':
      return <Known transfer={transfer} first={state.videos[0]?.title ?? ''} id={state.videos[0]?.video_id ?? ''} />;
    case 'failed':
      return (
        <span class="transfer-failed">
          <b>{state.message}</b>
          {state.hint !== undefined && ` ${state.hint}`}
        </span>
      );
  }
}

function Sending({ transfer }: { transfer: Transfer }) {
  const rate = transfer.rate.value;
  const speed = bytesPerSecond(rate);
  const left = formatLeft(secondsLeft(rate, transfer.file.size));
  if (transfer.retrying.value) {
    return (
      <span class="transfer-failed">
        The hub does not answer just now; it goes on at {formatBytes(transfer.sentBytes.value)} of {formatBytes(transfer.file.size)}
      </span>
    );
  }
  return (
    <>
      {formatBytes(transfer.sentBytes.value)} of {formatBytes(transfer.file.size)}
      {speed !== undefined && ` · ${formatBytes(Math.round(speed))}/s`}
      {left !== '' && ` · ${left}`}
    </>
  );
}

function Known({ transfer, first, id }: { transfer: Transfer; first: string; id: string }): ComponentChildren {
  return (
    <div class="transfer-known">
      <span>
        This content is here already: <a href={videoHref(id)}>{first}</a>
      </span>
      <span class="btn-row">
        <button type="button" class="btn small primary" data-testid="reuse" onClick={() => void reuseKnown(transfer)}>
          Use it again
        </button>
        <button type="button" class="btn small" onClick={() => sendAnyway(transfer)}>
          Send it anyway
        </button>
      </span>
    </div>
  );
}

function TransferActions({ transfer }: { transfer: Transfer }) {
  const state = transfer.state.value;
  const name = transfer.file.name;
  const removal = state.kind === 'done' ? 'Take off the list' : 'Cancel';
  return (
    <span class="btn-row tight">
      {state.kind === 'sending' && (
        <button
          type="button"
          class="btn icon quiet small"
          aria-label={`Pause ${name}`}
          title="Pause"
          data-testid="pause"
          onClick={() => pauseTransfer(transfer)}
        >
          <Icon name="pause" size={15} />
        </button>
      )}
      {(state.kind === 'paused' || (state.kind === 'failed' && state.canRetry)) && (
        <button
          type="button"
          class="btn icon quiet small"
          aria-label={`Go on with ${name}`}
          title={state.kind === 'paused' ? 'Go on' : 'Try again'}
          data-testid="resume"
          onClick={() => resumeTransfer(transfer)}
        >
          <Icon name={state.kind === 'paused' ? 'play' : 'restart'} size={15} />
        </button>
      )}
      <button
        type="button"
        class="btn icon quiet small"
        aria-label={`${removal} ${name}`}
        title={removal}
        data-testid="cancel"
        onClick={() => removeTransfer(transfer)}
      >
        <Icon name="close" size={15} />
      </button>
    </span>
  );
}
