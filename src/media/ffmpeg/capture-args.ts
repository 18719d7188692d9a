/** The arguments of the FFmpeg that captures a source: a pure function from plan and facts to an argument array. */

import type { CapturePlan, EncodePlan } from './capture-plan.js';
import { audioEncodeArgs, hardwareInitArgs, uploadFilters, variableRateArgs, videoEncodeArgs } from './encode-args.js';
import type { MachineFacts } from './facts.js';
import { hiddenInputArgs, inputArgs } from './input-args.js';
import { globalArgs, muxArgs } from './output-args.js';
import { exposedSecrets, outputPreset } from './secret-output.js';

/**
 * Fragmented MP4 on stdout (one fragment per frame), progress on descriptor 3, log on stderr. Addresses stand in it with their
 * secrets: for comparing and, masked, for showing. What is run is {@link captureCommand}.
 */
export function captureArgs(plan: CapturePlan, facts: MachineFacts): string[] {
  return assemble(plan, facts, inputArgs(plan, facts), { isHidden: false });
}

/** What FFmpeg is started with. */
export interface CaptureCommand {
  readonly args: string[];
  /** For its standard input; undefined: none is needed. */
  readonly stdin: string | undefined;
  /** Texts that it reads as descriptors 4 and up, behind the progress. */
  readonly files: readonly string[];
  /** Secrets that FFmpeg takes in no other way than as an argument: whoever starts it should cover them up. */
  readonly exposed: readonly string[];
}

/** The same run as {@link captureArgs}, with the secrets of source and push target outside the argument list as far as FFmpeg can. */
export function captureCommand(plan: CapturePlan, facts: MachineFacts): CaptureCommand {
  const { args: input, script } = hiddenInputArgs(plan, facts);
  const preset = plan.output === undefined ? undefined : outputPreset(plan.output);
  const exposed = plan.output === undefined ? [] : exposedSecrets(plan.output);
  // What is written over the end of the list ends up in the last argument, which must be one that FFmpeg does not heed.
  const cushion = exposed.length === 0 ? [] : ['-metadata', 'x='];
  return {
    args: [...assemble(plan, facts, input, { isHidden: true }), ...cushion],
    stdin: script,
    files: preset === undefined ? [] : [preset],
    exposed,
  };
}

function assemble(plan: CapturePlan, facts: MachineFacts, input: readonly string[], options: { isHidden: boolean }): string[] {
  const { video, audio } = plan;
  const init = video.mode === 'encode' ? hardwareInitArgs(video.encoder, facts) : [];
  const isHeaderLate = video.mode === 'encode' && video.encoder === 'h264_v4l2m2m';
  return [
    ...globalArgs(plan.output),
    ...init,
    ...input,
    ...['-map', '0:v:0', ...(audio === 'none' ? [] : ['-map', '0:a:0?']), '-map_metadata', '-1', '-map_chapters', '-1'],
    ...(video.mode === 'copy' ? copyArgs(video.codec) : encodeArgs(plan, video, facts)),
    ...audioArgs(audio),
    ...muxArgs({ output: plan.output, isHeaderLate, isHidden: options.isHidden }),
  ];
}

function audioArgs(audio: CapturePlan['audio']): readonly string[] {
  if (audio === 'none') return ['-an'];
  return audio === 'copy' ? ['-c:a', 'copy'] : audioEncodeArgs;
}

/** Browsers want the parameter sets of HEVC in the header, which this tag promises. */
function copyArgs(codec: string | undefined): string[] {
  return codec === 'hevc' ? ['-c:v', 'copy', '-tag:v', 'hvc1'] : ['-c:v', 'copy'];
}

function encodeArgs(plan: CapturePlan, video: EncodePlan, facts: MachineFacts): string[] {
  const isTest = plan.source.kind === 'test';
  const filters = [...(isTest ? [] : pictureFilters(video)), ...uploadFilters(video.encoder)];
  const size = video.size ?? video.sourceSize ?? { width: 1280, height: 720 };
  return [
    ...(filters.length === 0 ? [] : ['-vf', filters.join(',')]),
    ...variableRateArgs(facts),
    ...videoEncodeArgs({
      encoder: video.encoder,
      bitrateKbps: video.bitrateKbps,
      keyframeIntervalS: video.keyframeIntervalS,
      frameRate: video.frameRate ?? video.sourceFrameRate,
      pixels: size.width * size.height,
      // The test picture shows that all works; it should not take a core to do so.
      ...(isTest ? { preset: 'ultrafast' } : {}),
    }),
  ];
}

/** Rate, then size: the whole picture with bars where the shape differs; without a size only odd edges are cut. */
function pictureFilters(video: EncodePlan): string[] {
  const filters = video.frameRate === undefined ? [] : [`fps=${video.frameRate}`];
  const { size, sourceSize } = video;
  if (size === undefined) {
    const isEven = sourceSize !== undefined && sourceSize.width % 2 === 0 && sourceSize.height % 2 === 0;
    return isEven ? filters : [...filters, 'crop=trunc(iw/2)*2:trunc(ih/2)*2'];
  }
  const isSame = sourceSize !== undefined && sourceSize.width === size.width && sourceSize.height === size.height;
  if (isSame) return filters;
  const target = `${size.width}:${size.height}`;
  return [...filters, `scale=${target}:force_original_aspect_ratio=decrease:force_divisible_by=2`, `pad=${target}:(ow-iw)/2:(oh-ih)/2`, 'setsar=1'];
}
