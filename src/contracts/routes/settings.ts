/** The configuration: what runs, what can be changed, what it was before. */
import { z } from 'zod';
import { integer } from '../numbers.js';
import * as settings from '../settings.js';
import { page, pageQuery, type Route } from './route.js';

export const settingsRoutes = {
  get_settings: {
    method: 'GET',
    path: '/api/v1/config',
    role: 'admin',
    tag: 'config',
    summary: 'Every setting with value, source and schema',
    answer: settings.settingsSchema,
  },
  change_settings: {
    method: 'PATCH',
    path: '/api/v1/config',
    role: 'admin',
    tag: 'config',
    summary: 'Check a change, write it to the file, apply what can be applied at once',
    body: settings.changeSettingsSchema,
    answer: z.object({ version: integer, changes: z.array(settings.settingsChangeSchema), needs_restart: z.array(z.string()) }),
  },
  list_settings_versions: {
    method: 'GET',
    path: '/api/v1/config/versions',
    role: 'admin',
    tag: 'config',
    summary: 'Past changes, newest first',
    query: pageQuery,
    answer: page(settings.settingsVersionSchema),
  },
  restore_settings: {
    method: 'POST',
    path: '/api/v1/config/versions/{version}/restore',
    role: 'admin',
    tag: 'config',
    summary: 'Go back to how it was after that version',
    params: z.object({ version: z.coerce.number().int().positive() }),
    answer: z.object({ version: integer, changes: z.array(settings.settingsChangeSchema), needs_restart: z.array(z.string()) }),
  },
} as const satisfies Record<string, Route>;
