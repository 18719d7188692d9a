/** The FFmpeg command a configuration would run, for people to read: credentials masked, nothing started. */
import { type SourceProbe, type StreamConfig, WeirError } from '../../contracts/index.js';
import {
  captureArgs,
  type MachineFacts,
  maskSecrets,
  parseOutput,
  parseSource,
  planCapture,
  type Source,
  type SourcePolicy,
} from '../../media/index.js';

/** Throws the fault of the configuration, or `unavailable` when this hub has no FFmpeg. */
export function previewCommand(
  config: StreamConfig,
  probe: SourceProbe | undefined,
  facts: MachineFacts | undefined,
  policy: SourcePolicy,
): string[] {
  if (facts === undefined) throw new WeirError('unavailable', 'This hub has no FFmpeg to preview with');
  const source = parseSource(config.device ?? '', policy);
  const plan = planCapture(config, source, probe, facts);
  const secrets = [...secretsOf(source), ...(config.output_url === undefined ? [] : parseOutput(config.output_url).secrets)];
  return [facts.ffmpeg, ...captureArgs(plan, facts)].map((argument) => maskSecrets(argument, secrets));
}

function secretsOf(source: Source): readonly string[] {
  return 'secrets' in source ? source.secrets : [];
}
