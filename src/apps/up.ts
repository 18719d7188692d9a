/** `weir up` and `weir hub`: start, say where everything is, run until told to stop. */
import type { Config } from '../contracts/index.js';
import { createLogger, type LevelledLogger } from '../telemetry/index.js';
import type { ConfigInputs, LoadedConfig } from './config.js';
import { type Hub, startHub } from './hub.js';
import { runUntilSignal } from './run.js';
import { version } from './version.js';

export interface UpOptions {
  readonly loaded: LoadedConfig;
  readonly inputs: ConfigInputs;
  /** Runs a spoke beside the hub, unless the configuration says no. */
  readonly withSpoke: boolean;
  /** Runs a worker on videos beside the hub, unless the configuration says no. */
  readonly withWorker: boolean;
  /** Ready lines as one JSON object. */
  readonly json: boolean;
  /** Where the ready lines go. */
  readonly print: (text: string) => void;
}

/** Runs the hub until a signal; resolves with the exit code. */
export function runHub(options: UpOptions): Promise<number> {
  const { loaded, inputs } = options;
  const { config } = loaded;
  const log = createHubLog(config);
  return runUntilSignal(
    async (signal) => {
      const hub = await startHub({
        config,
        loaded,
        inputs,
        log,
        localSpoke: options.withSpoke && config.streams.local_spoke,
        localWorker: options.withWorker && config.vod.local_worker,
        signal,
      });
      const readyMs = Math.round(process.uptime() * 1000);
      options.print(options.json ? readyJson(hub, readyMs) : readyText(hub, readyMs));
      return hub;
    },
    () => log,
  );
}

/** The hub's own log, on standard error so that standard output stays for what was asked. */
export function createHubLog(config: Config): LevelledLogger {
  const level = config.log.level === 'warning' ? 'warn' : config.log.level;
  const format = config.log.format ?? (process.stderr.isTTY === true ? 'text' : 'json');
  const color = process.stderr.isTTY === true && process.env.NO_COLOR === undefined;
  return createLogger({ level, format, color, destination: { write: (line) => process.stderr.write(line) } });
}

function readyText(hub: Hub, readyMs: number): string {
  const { url, bus, adminLink, heldBack } = hub.addresses;
  const lines = ['', `  Weir ${version} is ready (${readyMs} ms)`, '', `  Watch     ${url}`];
  if (adminLink !== undefined) lines.push(`  Set up    ${adminLink}`, '            (opens once: makes the first admin)');
  lines.push(`  Bus       ${hub.broker.kind === 'external' ? 'external NATS' : bus}`, `  Data      ${hub.data.path}`);
  if (heldBack !== undefined) lines.push('', `  Listening on this machine only until the first admin exists, then on ${heldBack}.`);
  return `${lines.join('\n')}\n\n`;
}

function readyJson(hub: Hub, readyMs: number): string {
  const { url, bus, adminLink } = hub.addresses;
  const ready = { ready: true, version, ready_ms: readyMs, url, admin_link: adminLink ?? null, bus, data_dir: hub.data.path, pid: process.pid };
  return `${JSON.stringify(ready)}\n`;
}
