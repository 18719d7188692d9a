/**
 * The configuration: file `weir.yaml`, environment `WEIR_<SECTION>_<KEY>`, flags. Flag beats environment beats file beats default.
 * Keys are literal everywhere. `src/apps/config.ts` reads it; nothing else reads files or the environment.
 */
import { z } from 'zod';
import { idSchema, streamIdSchema } from './ids.js';
import { recordingFormats } from './recording.js';
import { logLevels } from './stream.js';
import { videoProfileSchema } from './video-profile.js';

const port = z.coerce.number().int().min(-1).max(65_535);
const seconds = z.coerce.number().nonnegative();
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);
const list = z.union([z.array(z.string()), z.string().transform((text) => words(text, ','))]);

function words(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** A list of objects in the environment; what is no JSON is left to the schema to refuse. */
function fromJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

const tlsSchema = z
  .strictObject({
    cert_file: z.string().describe('PEM certificate chain'),
    key_file: z.string().describe('PEM key; must not be readable by others'),
    ca_file: z.string().optional().describe('PEM authorities that peers must be signed by'),
  })
  .partial({ cert_file: true, key_file: true });

/** bcrypt, which the broker checks passwords with, reads no further. */
const maxBusPasswordBytes = 72;

/** In the place of the streams: a worker on videos, or a program that has videos processed. No stream can be called so. */
const workerWord = '@vod_worker';
const publisherWord = '@video_publisher';

/** `name:password:stream[+stream]`, several comma-separated. The password may hold `:`, but no comma. */
function parseBusUsers(text: string): unknown[] {
  return words(text, ',').map((entry) => {
    const nameEnd = entry.includes(':') ? entry.indexOf(':') : entry.length;
    const streamsAt = entry.lastIndexOf(':') > nameEnd ? entry.lastIndexOf(':') : entry.length;
    const bound = words(entry.slice(streamsAt + 1), '+');
    const login = { name: entry.slice(0, nameEnd), password: entry.slice(nameEnd + 1, streamsAt) };
    return {
      ...login,
      streams: bound.filter((word) => word !== workerWord && word !== publisherWord),
      ...(bound.includes(workerWord) ? { vod_worker: true } : {}),
      ...(bound.includes(publisherWord) ? { video_publisher: true } : {}),
    };
  });
}

/** A spoke, a worker or a publisher of videos of its own, in a container or on another machine, that the hub admits to its bus. */
const busUserSchema = z
  .strictObject({
    name: idSchema,
    password: z
      .string()
      .min(10, 'the password needs at least 10 characters')
      .refine((text) => new TextEncoder().encode(text).length <= maxBusPasswordBytes, `the password may have at most ${maxBusPasswordBytes} bytes`),
    streams: z.array(streamIdSchema).max(100).default([]),
    vod_worker: z.boolean().optional(),
    video_publisher: z.boolean().optional(),
  })
  .refine((user) => user.vod_worker === true || user.video_publisher === true || user.streams.length > 0, {
    path: ['streams'],
    message: `name the streams as well: name:password:stream[+stream], or name:password:${workerWord}, or ${publisherWord}`,
  });

const busUsers = z.preprocess(
  (value) => (typeof value === 'string' ? parseBusUsers(value) : value),
  z
    .array(busUserSchema)
    .max(100)
    .refine((users) => new Set(users.map((user) => user.name.toLowerCase())).size === users.length, 'two bus users have the same name'),
);

export const configSchema = z.strictObject({
  data_dir: z.string().default('./data').describe('where everything that must survive is kept'),
  http: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('address to listen on; beyond loopback only once an admin exists'),
      port: port.default(8080).describe('-1 lets the system choose'),
      public_url: z.url().optional().describe('address that links are made with, behind a proxy'),
      allowed_origins: list.default([]).describe('further origins that may open sockets; the hub itself always may'),
      trust_proxy: flag.default(false).describe('take the client address from X-Forwarded-For'),
      tls: tlsSchema.optional(),
    })
    .prefault({}),
  nats: z
    .strictObject({
      url: z.string().optional().describe('use this NATS instead of the supervised one; several comma-separated'),
      user: z.string().optional(),
      password: z.string().optional(),
      token: z.string().optional(),
      nkey_seed_file: z.string().optional(),
      credentials_file: z.string().optional(),
      tls: tlsSchema
        .extend({ enabled: flag.default(false) })
        .optional()
        .describe('towards `url`, or of the supervised server'),
      binary: z.string().optional().describe('nats-server program; default: found by set-up'),
      host: z.string().default('127.0.0.1').describe('address of the supervised server'),
      port: port.default(4222),
      websocket_port: port.default(8222).describe('loopback only; browsers come through `/nats` of the hub'),
      monitor_port: port.default(-1).describe('loopback only'),
      max_payload_bytes: z.coerce.number().int().min(1_048_576).max(67_108_864).default(16_777_216),
      root: z
        .string()
        .regex(/^[A-Za-z0-9_-]+$/)
        .default('videonode')
        .describe('first token of all stream subjects'),
    })
    .prefault({}),
  database: z.strictObject({ url: z.string().optional().describe('postgres://…; default: SQLite in the data folder') }).prefault({}),
  streams: z
    .strictObject({
      media_folders: list.default([]).describe('folders whose files may be streamed; default: `media` in the data folder'),
      source_hosts: list.default([]).describe('when not empty: hosts that network sources may name'),
      pre_roll_s: seconds.default(10).describe('seconds of media each spoke keeps in memory'),
      pre_roll_bytes: z.coerce.number().int().positive().default(33_554_432),
      media_max_age_s: seconds.default(60).describe('how long the broker keeps fragments'),
      media_max_bytes: z.coerce.number().int().positive().default(67_108_864).describe('and at most so many bytes per stream'),
      linger_s: seconds.default(30).describe('an on-demand stream runs on for so long after its last viewer'),
      test_picture: z
        .union([flag, z.literal('auto')])
        .default('auto')
        .describe('`auto`: define a test picture when no stream exists at first start'),
      local_spoke: flag.default(true).describe('`weir up` runs a spoke on this machine'),
    })
    .prefault({}),
  ffmpeg: z
    .strictObject({
      ffmpeg: z.string().optional().describe('program; default: found by set-up'),
      ffprobe: z.string().optional(),
      hardware: flag.default(true).describe('test hardware encoders at start'),
    })
    .prefault({}),
  cameras: z
    .strictObject({
      discover: flag.default(true).describe('watch /dev for capture devices on every host that runs a spoke'),
      auto_start_streams: flag.default(true).describe('define an on-demand stream for each camera as it appears'),
      reconcile_s: seconds.default(30).describe('a full look at all devices even when nothing seems to have changed'),
      probe_timeout_s: seconds.default(5).describe('a device that does not tell its capabilities within this time is in error'),
      max: z.coerce.number().int().min(1).max(1000).default(64).describe('cameras, at most'),
    })
    .prefault({}),
  external_discovery: z
    .strictObject({
      enabled: flag.default(false).describe('scan the network for streams of others'),
      scan_interval: z.coerce.number().int().min(0).max(86_400).default(0).describe('seconds between scans; 0: only when asked'),
      scan_timeout_s: seconds.default(30),
      max_concurrent: z.coerce.number().int().min(1).max(64).default(5),
      startup_scan: flag.default(false),
      skydio_ranges: list.default(['192.168.42.0/24']).describe('networks to look for drones in, as CIDR'),
      skydio_eo_port: port.default(5554),
      skydio_ir_port: port.default(6554),
      skydio_known_hosts: list.default([]),
      generic_ranges: list.default([]).describe('networks to look for other RTSP servers in, as CIDR; at most /20 each'),
      generic_ports: z.preprocess((value) => (typeof value === 'string' ? words(value, ',') : value), z.array(port)).default([554, 8554]),
      generic_paths: list.default(['/', '/live', '/stream', '/h264', '/stream1']),
      generic_known_hosts: list.default([]),
    })
    .prefault({}),
  recordings: z
    .strictObject({
      folder: z.string().optional().describe('default: `recordings` in the data folder'),
      format: z.enum(recordingFormats).default('fmp4'),
      segment_s: z.coerce.number().int().min(2).max(86_400).default(600).describe('a new file after so many seconds'),
      segment_bytes: z.coerce.number().int().min(1_048_576).default(536_870_912).describe('or after so many bytes'),
      pre_roll_s: seconds
        .default(5)
        .describe('seconds from memory put before a recording that is started by hand without a duration; at most streams.pre_roll_s'),
      gap_alert_s: seconds.default(5).describe('a gap of so many seconds in a wanted recording raises an alert; 0: never'),
      max_export_s: z.coerce.number().int().min(1).default(86_400),
      export_keep_s: seconds.default(7 * 86_400).describe('exports are deleted after so long'),
    })
    .prefault({}),
  snapshots: z
    .strictObject({
      folder: z.string().optional().describe('default: `snapshots` in the data folder'),
      quality: z.coerce.number().int().min(1).max(100).default(90),
      max_count: z.coerce.number().int().min(0).default(0).describe('keep the newest so many; 0: no limit'),
    })
    .prefault({}),
  storage: z
    .strictObject({
      warn_percent: z.coerce.number().min(1).max(100).default(80).describe('used share of the disk that raises an alert'),
      block_percent: z.coerce
        .number()
        .min(1)
        .max(100)
        .default(90)
        .describe('used share of the disk from which nothing new is recorded, on all spokes of the hub'),
      min_free_bytes: z.coerce
        .number()
        .int()
        .min(0)
        .default(1_073_741_824)
        .describe('nothing new is recorded below so much free room, on all spokes of the hub'),
      check_s: seconds.default(5),
      cleanup_interval_s: seconds.default(300).describe('how often the retention policy is applied'),
      retention: z
        .strictObject({
          enabled: flag.default(true),
          type: z.enum(['age', 'size', 'manual']).default('age'),
          max_age_days: z.coerce.number().min(0.01).max(3650).default(30),
          max_size_gb: z.coerce.number().min(0.001).default(100),
        })
        .prefault({})
        .describe('until a policy is set through the API'),
    })
    .prefault({}),
  vod: z
    .strictObject({
      root: z
        .string()
        .regex(/^[A-Za-z0-9_-]+$/)
        .default('video')
        .describe('first token of all subjects of videos'),
      upload_folder: z.string().optional().describe('where uploads are kept; default: `uploads` in the data folder'),
      folder: z.string().optional().describe('the library: where finished videos are kept; default: `videos` in the data folder'),
      source_folders: list.default([]).describe('further folders whose files may be named as source, by path or on the bus'),
      output_folders: list.default([]).describe('further folders that results may be put into, as `output_path` of a request on the bus'),
      profile: idSchema.default('default').describe('profile that is used when none is named'),
      profiles: z
        .preprocess(fromJson, z.array(videoProfileSchema).max(50))
        .default([])
        .describe('own profiles, in the environment as JSON; one of the same name replaces a built-in one'),
      local_worker: flag.default(true).describe('`weir up` runs a worker on this machine'),
      slots: z.coerce.number().int().min(0).max(64).default(0).describe('jobs a worker runs at once; 0: by measured load'),
      max_attempts: z.coerce.number().int().min(1).max(20).default(3),
      retry_s: seconds.default(30).describe('pause before the second attempt; doubled for each further one'),
      lease_s: z.coerce.number().min(2).max(600).default(15).describe('a worker that is silent for so long loses its job to another'),
      chunk_min_s: seconds.default(300).describe('a video of at least so many seconds is cut into pieces when other workers are free; 0: never'),
      max_upload_bytes: z.coerce.number().int().min(1).default(107_374_182_400),
      upload_expire_s: seconds.default(86_400).describe('an unfinished upload is deleted so long after its last byte'),
      user_quota_bytes: z.coerce.number().int().min(0).default(0).describe('sources and results per user; 0: no limit'),
      min_free_bytes: z.coerce.number().int().min(0).default(1_073_741_824).describe('no upload and no job begins below so much free room'),
      fetch_hosts: list.default([]).describe('hosts inside the network that videos may be fetched from and callbacks sent to'),
      max_duration_s: seconds.default(86_400).describe('a longer source is refused'),
      max_pixels: z.coerce.number().int().min(4096).default(35_389_440).describe('a larger picture is refused'),
      max_streams: z.coerce.number().int().min(1).max(1000).default(64),
      max_output_bytes: z.coerce.number().int().min(1).default(107_374_182_400),
      max_wall_s: seconds.default(86_400).describe('a job that runs longer is stopped'),
      max_memory_bytes: z.coerce.number().int().min(268_435_456).default(4_294_967_296).describe('of each FFmpeg'),
      stall_s: seconds.default(60).describe('an FFmpeg that makes no progress for so long is stopped'),
      trash_keep_s: seconds.default(7 * 86_400).describe('deleted videos can be restored for so long'),
      replaced_keep_s: seconds
        .default(4 * 3600)
        .describe('what a new encode replaced stays for so long, for those who watch it; less while the disk has not `min_free_bytes`'),
      link_expires_s: seconds.default(7 * 86_400).describe('signed links are valid for so long unless told otherwise'),
      callback_attempts: z.coerce.number().int().min(1).max(50).default(12).describe('spread over about two days'),
      keep_jobs_days: z.coerce.number().min(1).max(3650).default(90).describe('history of ended jobs'),
    })
    .prefault({}),
  gateway: z
    .strictObject({
      kind: z
        .enum(['auto', 'builtin', 'mediamtx'])
        .default('auto')
        .describe('`auto`: MediaMTX when `url` is given or the program is found, else builtin'),
      url: z.url().optional().describe('control API of a MediaMTX that runs elsewhere, for example http://127.0.0.1:9997'),
      api_user: z.string().optional(),
      api_password: z.string().optional(),
      binary: z.string().optional().describe('MediaMTX program; default: `mediamtx` on PATH'),
      host: z.string().optional().describe('host that players reach MediaMTX by; default: the host of the request'),
      bind: z.string().default('127.0.0.1').describe('address that a supervised MediaMTX listens on'),
      api_port: port.default(9997),
      rtsp_port: port.default(8554),
      webrtc_port: port.default(8889),
      hls_port: port.default(8888),
      rtmp_port: port.default(1935),
      srt_port: port.default(8890),
      open_cameras: flag
        .default(true)
        .describe(
          'MediaMTX opens the V4L2 cameras of its machine while somebody reads, encoded as the keys below say, and Weir shows and records that picture; ' +
            '`false`: Weir opens them in the quality of their streams, and MediaMTX hands that picture on',
        ),
      command: z
        .string()
        .max(4096)
        .optional()
        .describe('template of the FFmpeg command that publishes a V4L2 camera; {device_path}, {rtsp_port}, {path_name} are replaced'),
      video_profile: z.enum(['baseline', 'main', 'high']).default('baseline'),
      video_level: z
        .string()
        .regex(/^[1-6](?:\.[0-2])?$/)
        .default('3.0'),
      pixel_format: z.enum(['yuv420p', 'yuv422p']).default('yuv420p'),
      bitrate_kbps: z.coerce.number().int().min(50).max(200_000).default(600),
      preset: z
        .string()
        .regex(/^[a-z]{4,10}$/)
        .default('ultrafast'),
      start_timeout_s: seconds.default(10).describe('a reader waits so long for an on-demand source'),
      close_after_s: seconds.default(30).describe('an on-demand source ends so long after its last reader'),
      request_timeout_s: seconds.default(10),
      health_interval_s: seconds.default(5),
      breaker_failures: z.coerce.number().int().min(1).default(5).describe('failed calls in a row that open the circuit'),
      breaker_open_s: seconds.default(30),
    })
    .prefault({}),
  rpc: z
    .strictObject({
      port: port
        .default(0)
        .describe('further port for JSON-RPC and file downloads, 8002 for clients of older camera services; 0: only at /ws of the hub'),
      health_port: port.default(0).describe('further port for the health addresses without login, 8003 for older clients; 0: none'),
      max_connections: z.coerce.number().int().min(1).max(100_000).default(2000),
      max_message_bytes: z.coerce
        .number()
        .int()
        .min(1024)
        .max(16_777_216)
        .default(1_048_576)
        .describe('a larger message ends its socket; changed, it holds for sockets that open from then on'),
      ping_interval_s: seconds.default(30),
      pong_wait_s: seconds.default(60),
      max_queue_bytes: z.coerce.number().int().min(65_536).default(4_194_304).describe('a reader that lets so much wait is cut'),
      rate_limit_per_minute: z.coerce.number().int().min(0).default(0).describe('calls per client; 0: only the limits per method'),
      method_limits: flag.default(true).describe('limits per method and client, for example 2 recordings started per second'),
    })
    .prefault({}),
  access: z
    .strictObject({
      admin_password: z
        .string()
        .optional()
        .describe('makes the first admin without the one-time link; only from the environment, WEIR_ADMIN_PASSWORD'),
      jwt_secret: z
        .string()
        .min(32)
        .optional()
        .describe('takes HS256 tokens of other programs with user_id, role, iat and exp; only from the environment, WEIR_ACCESS_JWT_SECRET'),
      session_hours: z.coerce
        .number()
        .positive()
        .default(24 * 14),
      bus_credentials_s: seconds.default(900),
      bus_users: busUsers
        .default([])
        .describe(
          'spokes, workers and publishers of videos of their own that the supervised server admits: `name:password:stream[+stream]`, `name:password:@vod_worker` or `name:password:@video_publisher`, several comma-separated, or a list of objects with `name`, `password`, and `streams`, `vod_worker` or `video_publisher`; whoever is no longer named is removed at the next start',
        ),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(logLevels).default('info'), format: z.enum(['text', 'json']).optional().describe('default: text on a terminal') })
    .prefault({}),
});
export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
