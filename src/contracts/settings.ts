/** The configuration as the hub runs it, its versions, and what a change does. */
import { z } from 'zod';
import { timestampSchema } from './ids.js';
import { count, ordinal } from './numbers.js';

export const settingSchema = z.object({
  key: z.string().describe('dotted path, for example http.port'),
  value: z.unknown().describe('what holds now; secrets are masked'),
  pending: z.unknown().optional().describe('what is written and holds after a restart; absent when that is `value`'),
  default: z.unknown(),
  source: z.string().describe('`default`, `file ...`, `environment ...` or `flag ...`'),
  applies: z.enum(['at_once', 'restart']).describe('what a change needs'),
  description: z.string().nullable(),
  schema: z.record(z.string(), z.unknown()).describe('JSON Schema of the value'),
  secret: z.boolean(),
});
export type Setting = z.infer<typeof settingSchema>;

export const settingsSchema = z
  .object({
    version: count,
    file: z.string().nullable(),
    writable: z.boolean(),
    settings: z.array(settingSchema),
    needs_restart: z.array(z.string()).describe('keys whose new value is written but not yet in effect'),
    problem: z.string().nullable().describe('why the file as it stands now was not taken'),
  })
  .meta({ id: 'Settings' });
export type Settings = z.infer<typeof settingsSchema>;

export const changeSettingsSchema = z
  .strictObject({
    changes: z.record(z.string().max(128), z.unknown()).describe('dotted key to value; null goes back to the default'),
    version: count.optional().describe('refuse when there is a newer one'),
    comment: z.string().max(500).optional(),
    dry_run: z.boolean().optional().describe('check and tell, change nothing'),
  })
  .meta({ id: 'ChangeSettings' });
export type ChangeSettings = z.infer<typeof changeSettingsSchema>;

export const settingsChangeSchema = z.object({ key: z.string(), before: z.unknown(), after: z.unknown(), applies: z.enum(['at_once', 'restart']) });

export const settingsVersionSchema = z
  .object({
    version: ordinal,
    time: timestampSchema,
    actor: z.string().describe('user, or `file` when it was edited by hand'),
    comment: z.string().nullable(),
    changes: z.array(settingsChangeSchema),
    outcome: z.enum(['applied', 'needs_restart', 'rejected']),
    detail: z.string().nullable(),
  })
  .meta({ id: 'SettingsVersion' });
export type SettingsVersion = z.infer<typeof settingsVersionSchema>;
