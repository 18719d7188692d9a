/**
 * The configuration: file `weir.yaml`, environment `WEIR_<SECTION>_<KEY>`, flags. Flag beats environment beats file beats default.
 * Keys are literal everywhere. `src/apps/config.ts` reads it; nothing else reads files or the environment.
 */
import { z } from 'zod';
import { idSchema, streamIdSchema } from './ids.js';
import { logLevels } from './stream.js';

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

const tlsSchema = z
  .strictObject({
    cert_file: z.string().describe('PEM certificate chain'),
    key_file: z.string().describe('PEM key; must not be readable by others'),
    ca_file: z.string().optional().describe('PEM authorities that peers must be signed by'),
  })
  .partial({ cert_file: true, key_file: true });

/** bcrypt, which the broker checks passwords with, reads no further. */
const maxBusPasswordBytes = 72;

/** `name:password:stream[+stream]`, several comma-separated. The password may hold `:`, but no comma. */
function parseBusUsers(text: string): { name: string; password: string; streams: string[] }[] {
  return words(text, ',').map((entry) => {
    const nameEnd = entry.includes(':') ? entry.indexOf(':') : entry.length;
    const streamsAt = entry.lastIndexOf(':') > nameEnd ? entry.lastIndexOf(':') : entry.length;
    return { name: entry.slice(0, nameEnd), password: entry.slice(nameEnd + 1, streamsAt), streams: words(entry.slice(streamsAt + 1), '+') };
  });
}

/** A spoke of its own, in a container or on another machine, that the hub admits to its bus. */
const busUserSchema = z.strictObject({
  name: idSchema,
  password: z
    .string()
    .min(10, 'the password needs at least 10 characters')
    .refine((text) => new TextEncoder().encode(text).length <= maxBusPasswordBytes, `the password may have at most ${maxBusPasswordBytes} bytes`),
  streams: z.array(streamIdSchema).min(1, 'name the streams as well: name:password:stream[+stream]').max(100),
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
  access: z
    .strictObject({
      admin_password: z
        .string()
        .optional()
        .describe('makes the first admin without the one-time link; only from the environment, WEIR_ADMIN_PASSWORD'),
      session_hours: z.coerce
        .number()
        .positive()
        .default(24 * 14),
      bus_credentials_s: seconds.default(900),
      bus_users: busUsers
        .default([])
        .describe(
          'spokes of their own that the supervised server admits, each bound to its streams: `name:password:stream[+stream]`, several comma-separated, or a list of objects with `name`, `password` and `streams`; whoever is no longer named is removed at the next start',
        ),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(logLevels).default('info'), format: z.enum(['text', 'json']).optional().describe('default: text on a terminal') })
    .prefault({}),
});
export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
