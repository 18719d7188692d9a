import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WeirError } from '../../contracts/errors.js';
import type { SourceFacts } from '../../contracts/video.js';
import { builtinProfiles, videoProfileSchema } from '../../contracts/video-profile.js';
import { languageTag } from './audio-plan.js';
import { encodeCommand } from './encode.js';
import { dividedRate, formatRate, nearestRate, perSecond } from './frame-rate.js';
import { segmentTime } from './hls-args.js';
import { scaledTo } from './ladder.js';
import { h264Level, h265Level } from './levels.js';
import { parseLoudness } from './loudness.js';
import { planVideo } from './plan.js';
import { softwareMachine } from './testing/bed.js';

type VideoFacts = NonNullable<SourceFacts['video']>;

function source(video: Partial<VideoFacts> | null = {}, more: Partial<SourceFacts> = {}): SourceFacts {
  const rate = video?.frame_rate_text === undefined ? 25 : perSecond(nearestRate(video.frame_rate ?? 25));
  return {
    container: 'mov,mp4,m4a,3gp,3g2,mj2',
    duration_s: 60,
    size_bytes: 60_000_000,
    bitrate_kbps: 8000,
    start_s: 0,
    video:
      video === null
        ? null
        : {
            ...{ index: 0, codec: 'hevc', profile: 'Main', level: 120, pixel_format: 'yuv420p', width: 1920, height: 1080 },
            ...{ coded_width: video.width ?? 1920, coded_height: video.height ?? 1080, rotation: 0, pixel_aspect: [1, 1] as [number, number] },
            ...{ frame_rate: rate, frame_rate_text: '25', is_variable_rate: false, is_interlaced: false, is_hdr: false, transfer: null },
            ...{ primaries: null, frames: 1500, keyframe_interval_s: 2, bitrate_kbps: 7800, start_s: 0, duration_s: 60 },
            ...video,
          },
    audio: [
      {
        index: 1,
        codec: 'aac',
        channels: 2,
        sample_rate: 48_000,
        language: 'eng',
        title: null,
        is_default: true,
        bitrate_kbps: 128,
        start_s: 0,
        duration_s: 60,
      },
    ],
    subtitles: [],
    warnings: [],
    ...more,
  };
}

const standard = videoProfileSchema.parse(builtinProfiles[0]);
const plan = (facts: SourceFacts, more: object = {}, quality: string[] | null = null) =>
  planVideo(facts, videoProfileSchema.parse({ ...standard, ...more }), { machine: softwareMachine, quality });
const sizes = (facts: SourceFacts, quality: string[] | null = null) =>
  plan(facts, {}, quality).renditions.map((step) => `${step.name} ${step.width}x${step.height}`);

describe('the ladder is never above the source', () => {
  const rows: [string, [number, number], string[]][] = [
    ['1080p', [1920, 1080], ['1080p 1920x1080', '720p 1280x720', '480p 854x480', '360p 640x360']],
    ['720p', [1280, 720], ['720p 1280x720', '480p 854x480', '360p 640x360']],
    ['portrait', [1080, 1920], ['1080p 1080x1920', '720p 720x1280', '480p 480x854', '360p 360x640']],
    ['square', [720, 720], ['720p 720x720', '480p 480x480', '360p 360x360']],
    ['cinema', [1920, 800], ['720p 1728x720', '480p 1152x480', '360p 864x360']],
    ['a row short of a step', [1916, 1076], ['1080p 1916x1076', '720p 1282x720', '480p 854x480', '360p 642x360']],
    ['odd', [853, 479], ['480p 852x478', '360p 642x360']],
    ['below all', [320, 180], ['360p 320x180']],
    ['tiny', [17, 17], ['360p 16x16']],
    ['a strip', [16_000, 400], ['360p 8192x204']],
    ['4K', [3840, 2160], ['1080p 1920x1080', '720p 1280x720', '480p 854x480', '360p 640x360']],
  ];
  for (const [name, [width, height], expected] of rows) test(name, () => assert.deepEqual(sizes(source({ width, height })), expected));

  test('steps by name, also those of the standard ladder; above the source the lowest is kept', () => {
    assert.deepEqual(sizes(source(), ['480p', '240p']), ['480p 854x480', '240p 426x240']);
    assert.deepEqual(sizes(source({ width: 640, height: 360 }), ['1080p', '720p']), ['720p 640x360']);
    assert.throws(
      () => sizes(source(), ['999p']),
      (error) => error instanceof WeirError && error.code === 'invalid_argument' && error.errors[0]?.field === 'quality',
    );
    assert.throws(() => sizes(source(), ['toString']), WeirError);
  });

  test('the one step of `remux` is called what it is, whatever the size', () => {
    const remux = builtinProfiles.find(({ name }) => name === 'remux') ?? standard;
    for (const [width, height] of [
      [320, 180],
      [1920, 1080],
      [3840, 2160],
    ] as const) {
      const { renditions } = planVideo(source({ width, height }), remux, { machine: softwareMachine });
      assert.deepEqual(
        renditions.map((step) => [step.name, step.width, step.height]),
        [['source', width, height]],
      );
    }
  });

  test('every size is even and keeps its shape within a pixel', () => {
    for (let width = 200; width < 2300; width += 37) {
      for (let height = 200; height < 2300; height += 41) {
        const scaled = scaledTo({ width, height }, Math.min(width, height, 480));
        assert.ok(scaled.width % 2 === 0 && scaled.height % 2 === 0 && scaled.width <= width && scaled.height <= height);
        const factor = Math.min(1, 480 / Math.min(width, height));
        assert.ok(Math.abs(scaled.width - width * factor) <= 2 && Math.abs(scaled.height - height * factor) <= 2, `${width}x${height}`);
      }
    }
  });
});

describe('frame rate, keyframes and segments', () => {
  const rows: [string, string, number, string, number, number][] = [
    ['film', '24000/1001', 23.976, '24000/1001', 48, 6.006],
    ['PAL', '25', 25, '25', 50, 6],
    ['NTSC', '30000/1001', 29.97, '30000/1001', 60, 6.006],
    ['60', '60', 60, '60', 120, 6],
    ['120 is halved', '120', 120, '60', 120, 6],
    ['240 is quartered', '240', 240, '60', 120, 6],
    ['119.88 is halved', '120000/1001', 119.88, '60000/1001', 120, 6.006],
    ['100 is halved', '100', 100, '50', 100, 6],
    ['a frame every ten seconds', '1/10', 0.1, '1', 2, 6],
    ['a rate that nobody uses', '12340/1000', 12.34, '617/50', 25, 6.077796],
  ];
  for (const [name, text, rate, expected, gop, segmentS] of rows) {
    test(name, () => {
      const made = plan(source({ frame_rate: rate, frame_rate_text: text }));
      assert.deepEqual(made.frameRate === null ? '' : formatRate(made.frameRate), expected);
      assert.deepEqual(
        made.renditions.map((step) => step.gopFrames),
        [gop, gop, gop, gop],
      );
      assert.ok(Math.abs(made.segmentS - segmentS) < 1e-5, String(made.segmentS));
    });
  }

  test('a step of half the rate has its keyframes at the same times', () => {
    const made = plan(source({ frame_rate: 59.94, frame_rate_text: '60000/1001' }), {}, ['1080p', '240p']);
    const [top, low] = made.renditions;
    assert.deepEqual([top?.gopFrames, low?.gopFrames, low && formatRate(low.frameRate)], [120, 60, '30000/1001']);
    const { args } = encodeCommand(made, { input: '/in', folder: '/out' });
    assert.match(args.join(' '), /\[sv1\]framestep=2,scale=426:240/);
  });

  test('segments are asked for a little early where clocks cannot hold them', () => {
    assert.equal(segmentTime({ segmentS: (60 * 3 * 1001) / 30_000 }), '6.006000');
    assert.equal(segmentTime({ segmentS: 75 / 12.34 }), '6.077784');
  });

  test('rates are recognised, and divided evenly', () => {
    assert.deepEqual(
      [29.9701, 59.94, 23.98, 24.003, 47.5].map((rate) => formatRate(nearestRate(rate))),
      ['30000/1001', '60000/1001', '24000/1001', '24', '95/2'],
    );
    assert.deepEqual(
      [75, 60.02, 90].map((rate) => perSecond(dividedRate(nearestRate(rate), 60).rate)),
      [37.5, perSecond(nearestRate(60.02)), 45],
    );
  });
});

describe('levels', () => {
  const rows: [number, number, number, number, string, string][] = [
    [1920, 1080, 30, 6000, '4.0', '4.0'],
    [1920, 1080, 60, 6000, '4.2', '4.1'],
    [1280, 720, 30, 3360, '3.1', '3.1'],
    [1280, 720, 60, 3360, '3.2', '4.0'],
    [854, 480, 30, 1680, '3.1', '3.0'],
    [640, 360, 30, 960, '3.0', '2.1'],
    [3840, 2160, 30, 19_000, '5.1', '5.0'],
    [3840, 2160, 60, 19_000, '5.2', '5.1'],
    [160, 90, 25, 100, '1.1', '2.0'],
  ];
  for (const [width, height, framesPerS, maxKbps, h264, h265] of rows) {
    test(`${width}x${height} at ${framesPerS}`, () => {
      assert.deepEqual([h264Level({ width, height, framesPerS, maxKbps }), h265Level({ width, height, framesPerS, maxKbps })], [h264, h265]);
    });
  }
});

describe('passing through', () => {
  const fitting = { codec: 'h264', profile: 'High', level: 40, bitrate_kbps: 4000, gop: { frames: 50, is_open: false } };
  const encoders = (video: Partial<VideoFacts>, more: object = {}) =>
    plan(source({ ...fitting, ...video }), more).renditions.map((step) => step.encoder);
  test('the top step alone', () => assert.deepEqual(encoders({}), ['copy', 'libx264', 'libx264', 'libx264']));
  test('others follow its keyframes', () => {
    const made = plan(source({ ...fitting, gop: { frames: 75, is_open: false } }));
    assert.deepEqual([made.renditions.map((step) => step.gopFrames), made.segmentS], [[75, 75, 75, 75], 6]);
  });
  const rows: [string, Partial<VideoFacts>, object?][] = [
    ['another codec', { codec: 'hevc' }],
    ['High 10', { profile: 'High 10' }],
    ['4:2:2', { pixel_format: 'yuv422p' }],
    ['interlaced', { is_interlaced: true }],
    ['turned', { rotation: 90 }],
    ['pixels that are not square', { coded_width: 1440 }],
    ['varying rate', { is_variable_rate: true }],
    ['too many bits', { bitrate_kbps: 6100 }],
    ['open groups', { gop: { frames: 50, is_open: true } }],
    ['a cut amid a group', { gop: { frames: 50, is_open: false, is_cut: true } }],
    ['keyframes anywhere', { gop: { frames: null, is_open: false } }],
    ['keyframes too far apart', { gop: { frames: 250, is_open: false } }],
    ['not measured', { gop: null }],
    ['240 frames a second', { frame_rate: 240, frame_rate_text: '240' }],
    ['switched off', {}, { passthrough: false }],
  ];
  for (const [name, video, more] of rows) test(`not with ${name}`, () => assert.ok(!encoders(video, more).includes('copy')));
  test('alone, keyframes may come as they like', () => {
    const made = planVideo(source({ ...fitting, gop: { frames: null, is_open: false }, keyframe_interval_s: 4 }), builtinProfiles[3] ?? standard, {
      machine: softwareMachine,
    });
    assert.deepEqual(
      made.renditions.map((step) => step.encoder),
      ['copy'],
    );
  });
  test('the copy is read by an input of its own, moved to the same zero', () => {
    const { args } = encodeCommand(plan(source({ ...fitting, start_s: 0.04 })), { input: '/in', folder: '/out' });
    const text = args.join(' ');
    assert.match(text, /-itsoffset -0\.040000 -protocol_whitelist file .* -i file:\/in -filter_complex/);
    assert.match(text, /-map 1:0 -c:v copy -map \[a0\] -c:a aac/);
  });
});

describe('sound', () => {
  const track = (index: number, more: object = {}) => ({
    ...{
      index,
      codec: 'aac',
      channels: 2,
      sample_rate: 48_000,
      language: null,
      title: null,
      is_default: false,
      bitrate_kbps: 128,
      start_s: 0,
      duration_s: 60,
    },
    ...more,
  });
  test('one track is muxed in MPEG-TS, and a group of its own in CMAF', () => {
    assert.equal(plan(source()).audioLayout, 'muxed');
    assert.equal(plan(source(), { container: 'cmaf' }).audioLayout, 'group');
    assert.equal(plan(source({}, { audio: [] })).audioLayout, 'none');
    assert.equal(plan(source(null)).audioLayout, 'group');
  });
  test('mono stays mono, six channels become two, 44.1 kHz stays, others become 48', () => {
    const audio = [track(1, { channels: 1, sample_rate: 44_100 }), track(2, { channels: 6, sample_rate: 96_000 }), track(3, { sample_rate: 8000 })];
    const made = plan(source({}, { audio })).audio;
    assert.deepEqual(
      made.map((each) => [each.channels, each.sampleRate]),
      [
        [1, 44_100],
        [2, 48_000],
        [2, 48_000],
      ],
    );
  });
  test('the default track comes first, and titles differ', () => {
    const audio = [
      track(1, { language: 'ger' }),
      track(2, { language: 'eng', is_default: true }),
      track(3, { language: 'eng' }),
      track(4, { title: 'A "quoted"\nname' }),
    ];
    const made = plan(source({}, { audio })).audio;
    assert.deepEqual(
      made.map((each) => [each.name, each.index, each.language, each.title, each.isDefault]),
      [
        ['audio', 2, 'en', 'English', true],
        ['audio_2', 1, 'de', 'German', false],
        ['audio_3', 3, 'en', 'English (2)', false],
        ['audio_4', 4, 'und', 'A quoted name', false],
      ],
    );
    assert.equal(plan(source({}, { audio }), { audio_tracks: 'first' }).audio.length, 1);
  });
  test('sound that lasts longer holds the last picture', () => {
    const made = plan(source({ duration_s: 10 }));
    assert.deepEqual([made.durationS, made.picture?.frames, made.picture?.repeated], [60, 1500, 1250]);
    const close = plan(source({ duration_s: 59.8 }));
    assert.deepEqual([close.durationS, close.picture?.repeated], [59.8, 0]);
  });
  test('languages', () => {
    assert.deepEqual(['eng', 'ger', 'deu', 'pt-BR', 'und', 'x!', null, 'zzzzzz'].map(languageTag), [
      'en',
      'de',
      'de',
      'pt-BR',
      'und',
      'und',
      'und',
      'und',
    ]);
  });
  test('loudness is read from the last lines; silence is left alone', () => {
    const report = (value: string) =>
      `[Parsed_loudnorm_1 @ 0x1] [info] \n{\n\t"input_i" : "${value}",\n\t"input_tp" : "-9.4",\n\t"input_lra" : "1.2",\n\t"input_thresh" : "-33.4",\n\t"output_i" : "-16.0",\n\t"target_offset" : "0.1"\n}\n`;
    assert.deepEqual(parseLoudness(report('-23.1')), { integrated: -23.1, range: 1.2, truePeak: -9.4, threshold: -33.4, offset: 0.1 });
    assert.equal(parseLoudness(report('-inf')), undefined);
    assert.equal(parseLoudness('Conversion failed!'), undefined);
  });
});

describe('arguments', () => {
  const text = (facts: SourceFacts, more: object = {}, quality: string[] | null = null) =>
    encodeCommand(plan(facts, more, quality), { input: '/in', folder: '/out' }).args.join(' ');
  const rows: [string, string, RegExp[]][] = [
    [
      'default',
      text(source()),
      [
        /-i file:\/in /,
        /-preset faster -keyint_min 50 -sc_threshold 0/,
        /-level:v 4\.0 -b:v 5000k -maxrate 6000k -bufsize 10000k -g 50/,
        /-hls_time 6\.000000/,
        /-hls_segment_filename \/out\/720p_%03d\.ts \/out\/720p\.m3u8/,
      ],
    ],
    [
      'capped quality: lower steps get better values',
      text(source(), { rate: 'capped_crf', crf: 22 }),
      [/-crf 22 -maxrate 5000k/, /-crf 21 -maxrate 2800k/, /-crf 20 -maxrate 1400k/, /-crf 19 -maxrate 800k/],
    ],
    ['25 frames a second: the encoder may reorder pictures', text(source()), [/^(?!.*(?:-b-pyramid|-bf))/]],
    ['12 frames a second: by one frame', text(source({ frame_rate: 12, frame_rate_text: '12' })), [/-forced-idr 1 -b-pyramid none /]],
    ['5 frames a second: not at all', text(source({ frame_rate: 5, frame_rate_text: '5' })), [/-forced-idr 1 -bf 0 /]],
    ['interlaced', text(source({ is_interlaced: true })), [/\[0:0\]bwdif=mode=send_frame,fps=25/]],
    ['HDR', text(source({ is_hdr: true })), [/scale=1920:1080,zscale=t=linear:npl=100.*tonemap=tonemap=hable.*split=4/]],
    ['RGB', text(source({ pixel_format: 'gbrp' })), [/out_range=tv:out_color_matrix=bt709/]],
    ['240 frames a second', text(source({ frame_rate: 240, frame_rate_text: '240' })), [/fps=240:start_time=0,framestep=4,/]],
    [
      'late picture',
      text(source({ start_s: 0.1 })),
      [
        /\[0:0\]setpts=round\(PTS\+\(-0\.100000000\)\/TB\),fps/,
        /\[0:1\]asetpts=round\(PTS-\(0\.100000000\)\/TB\),aresample=48000:async=1,atrim=start=0/,
      ],
    ],
    [
      'late sound',
      text(
        source(
          {},
          {
            audio: [
              {
                index: 1,
                codec: 'aac',
                channels: 2,
                sample_rate: 48_000,
                language: null,
                title: null,
                is_default: true,
                bitrate_kbps: 1,
                start_s: 2,
                duration_s: 58,
              },
            ],
          },
        ),
      ),
      [/aresample=48000:async=1:first_pts=0,/],
    ],
    [
      'CMAF',
      text(source(), { container: 'cmaf' }),
      [/-hls_segment_type fmp4 -hls_fmp4_init_filename 720p_init\.mp4/, /\/out\/audio_%03d\.m4s \/out\/audio\.m3u8/],
    ],
    [
      'H.265 goes into CMAF',
      text(source(), { renditions: [{ name: '1080p', height: 1080, video_kbps: 3000, codec: 'h265' }] }),
      [/-c:v libx265 -preset faster .*-tag:v hvc1 -x265-params keyint=50:min-keyint=50:scenecut=0:open-gop=0/, /-f hls -hls_segment_type fmp4/],
    ],
    [
      'AV1',
      text(source(), { renditions: [{ name: '1080p', height: 1080, video_kbps: 3000, codec: 'av1' }], rate: 'capped_crf' }),
      [/-c:v libsvtav1 -preset 9 -sc_threshold 0 -crf 31/],
    ],
    ['audio alone', text(source(null)), [/^(?!.*reinit_filter).*-map \[audio\] -c:a aac -b:a 128k .*\/out\/audio_%03d\.ts/]],
    [
      'a percent sign in the folder',
      encodeCommand(plan(source()), { input: '/in', folder: '/a%03d' }).args.join(' '),
      [/\/a%%03d\/720p_%03d\.ts \/a%03d\/720p\.m3u8/],
    ],
  ];
  for (const [name, args, patterns] of rows) {
    test(name, () => {
      for (const pattern of patterns) assert.match(args, pattern);
    });
  }

  test('a hardware encoder that works is used, and software when told so', () => {
    const machine = {
      ...softwareMachine,
      renderNode: '/dev/dri/renderD129',
      encoders: softwareMachine.encoders.map((each) => ({ ...each, works: true })),
    };
    const hard = planVideo(source(), standard, { machine });
    assert.deepEqual(new Set(hard.renditions.map((step) => step.encoder)), new Set(['h264_vaapi']));
    assert.match(
      encodeCommand(hard, { input: '/in', folder: '/out' }).args.join(' '),
      /-init_hw_device vaapi=va:\/dev\/dri\/renderD129 .*format=yuv420p,format=nv12,hwupload\[v0\]/,
    );
    assert.deepEqual(
      new Set(planVideo(source(), standard, { machine, software: true }).renditions.map((step) => step.encoder)),
      new Set(['libx264']),
    );
    assert.deepEqual(
      new Set(planVideo(source(), { ...standard, hardware: false }, { machine }).renditions.map((step) => step.encoder)),
      new Set(['libx264']),
    );
  });

  test('a codec without an encoder is refused', () => {
    const machine = { ...softwareMachine, encoders: softwareMachine.encoders.filter((each) => each.codec !== 'av1') };
    const profile = videoProfileSchema.parse({ name: 'x', renditions: [{ name: '1080p', height: 1080, video_kbps: 3000, codec: 'av1' }] });
    assert.throws(
      () => planVideo(source(), profile, { machine }),
      (error) => error instanceof WeirError && error.code === 'unsupported' && error.facts?.reason === 'encoder_missing',
    );
  });

  test('the thumbnail is taken where it is asked for, and never beyond the end', () => {
    const at = (thumbnailTime: string | null) => planVideo(source(), standard, { machine: softwareMachine, thumbnailTime }).thumbnailS;
    assert.deepEqual([at(null), at('5'), at('00:00:05.5'), at('01:30'), at('2:00:00')], [6, 5, 5.5, 60, 60]);
  });
});
