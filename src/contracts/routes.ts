/** Every HTTP route: method, path, who may call it, what goes in and comes out. Validation, access checks, OpenAPI and the client are read from this table. */
import type { z } from 'zod';
import { accessRoutes } from './routes/access.js';
import { cameraRoutes } from './routes/cameras.js';
import { gatewayRoutes } from './routes/gateway.js';
import { jobRoutes } from './routes/jobs.js';
import { recordingRoutes } from './routes/recordings.js';
import type { Route } from './routes/route.js';
import { settingsRoutes } from './routes/settings.js';
import { streamRoutes } from './routes/streams.js';
import { systemRoutes } from './routes/system.js';
import { uploadRoutes } from './routes/uploads.js';
import { videoRoutes } from './routes/videos.js';

export type { Route } from './routes/route.js';

export const routes = {
  ...streamRoutes,
  ...cameraRoutes,
  ...recordingRoutes,
  ...gatewayRoutes,
  ...uploadRoutes,
  ...videoRoutes,
  ...jobRoutes,
  ...systemRoutes,
  ...settingsRoutes,
  ...accessRoutes,
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;
export const routeNames = Object.keys(routes) as RouteName[];

type Part<N extends RouteName, K extends string> = (typeof routes)[N] extends { readonly [P in K]: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;
/** What an operation receives, already checked. */
export interface RouteInput<N extends RouteName> {
  params: Part<N, 'params'>;
  query: Part<N, 'query'>;
  body: Part<N, 'body'>;
}
/** What an operation returns; undefined where the answer has no JSON body. */
export type RouteAnswer<N extends RouteName> = Part<N, 'answer'>;
