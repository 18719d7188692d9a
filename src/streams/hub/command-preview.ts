/** The FFmpeg command a configuration would run, for people to read: credentials masked, nothing started. */
import { type SourceProbe, type StreamConfig, type StreamStatus, WeirError } from '../../contracts/index.js';
import { captureArgs, type MachineFacts, maskSecrets, parseOutput, parseSource, planCapture, type Source, type SourcePolicy } from '../../media/index.js';

/** Throws the fault of the configuration, or `unavailable` when this hub has no FFmpeg. */
export function previewCommand(config: StreamConfig, probe: SourceProbe | undefined, facts: MachineFacts | undefined, policy: SourcePolicy): string[] {
  if (facts === undefined) throw new WeirError('unavailable', 'This hub has no FFmpeg to preview with');
  const source = parseSource(config.device ?? '', policy);
  const plan = planCapture(config, source, probe, facts);
  const secrets = [...secretsOf(source), ...(config.output_url === undefined ? [] : parseOutput(config.output_url).secrets)];
  return [facts.ffmpeg, ...captureArgs(plan, facts)].map((argument) => maskSecrets(argument, secrets));
}

/** What the running stream tells of its source: looking again would disturb a camera that serves one reader only. */
export function asRunning(config: StreamConfig, status: StreamStatus | null): { config: StreamConfig; probe: SourceProbe | undefined } {
  if (status?.mode === 'encode') return { config: { ...config, codec: 'h264' }, probe: undefined };
  if (status?.mode !== 'copy' || status.video === undefined) return { config, probe: undefined };
  const probe: SourceProbe = {
    device: config.device ?? '',
    reachable: true,
    video: status.video,
    ...(status.audio === undefined ? {} : { audio: status.audio }),
    plan: 'copy',
    took_ms: 0,
  };
  return { config, probe };
}

function secretsOf(source: Source): readonly string[] {
  return 'secrets' in source ? source.secrets : [];
}
