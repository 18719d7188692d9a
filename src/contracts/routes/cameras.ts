/** Cameras, and what can be found on the network. */
import { z } from 'zod';
import * as camera from '../camera.js';
import { count, integer } from '../numbers.js';
import { page, pageQuery, type Route } from './route.js';

const cameraParams = z.object({ camera_id: camera.cameraIdSchema });

export const cameraRoutes = {
  list_cameras: {
    method: 'GET',
    path: '/api/v1/cameras',
    role: 'viewer',
    tag: 'cameras',
    summary: 'Cameras you may see',
    query: pageQuery.extend({ status: z.enum(camera.cameraStatuses).optional() }),
    answer: page(camera.cameraSchema).extend({ total: integer, connected: integer }),
  },
  add_camera: {
    method: 'POST',
    path: '/api/v1/cameras',
    role: 'operator',
    tag: 'cameras',
    summary: 'Add a network camera, a file or a test picture as a camera',
    body: camera.addCameraSchema,
    answer: camera.cameraSchema,
    status: 201,
  },
  get_camera: {
    method: 'GET',
    path: '/api/v1/cameras/{camera_id}',
    role: 'viewer',
    tag: 'cameras',
    summary: 'One camera with what it can deliver',
    params: cameraParams,
    answer: camera.cameraSchema,
  },
  update_camera: {
    method: 'PATCH',
    path: '/api/v1/cameras/{camera_id}',
    role: 'operator',
    tag: 'cameras',
    summary: 'Rename it, choose size and rate, set V4L2 controls, give a network camera another address or login',
    params: cameraParams,
    body: camera.updateCameraSchema,
    answer: camera.cameraSchema,
  },
  delete_camera: {
    method: 'DELETE',
    path: '/api/v1/cameras/{camera_id}',
    role: 'operator',
    tag: 'cameras',
    summary: 'Forget a camera that is not plugged in, or a network camera; its recordings stay',
    params: cameraParams,
    status: 204,
  },
  discover_cameras: {
    method: 'POST',
    path: '/api/v1/cameras/discover',
    role: 'operator',
    tag: 'cameras',
    summary: 'Look for ONVIF cameras on the local network and read their profiles',
    body: z
      .strictObject({
        timeout_s: z.number().min(0.5).max(15).optional().describe('default 3'),
        address: z.string().max(253).optional().describe('ask this host only, for example camera.lan:8000'),
        username: z.string().max(256).optional(),
        password: z.string().max(256).optional(),
      })
      .optional(),
    answer: z.object({ items: z.array(camera.foundCameraSchema), errors: z.array(z.string()), took_ms: z.number() }),
  },
  list_external_streams: {
    method: 'GET',
    path: '/api/v1/external-streams',
    role: 'viewer',
    tag: 'cameras',
    summary: 'Streams of others that were found or named',
    answer: z.object({ items: z.array(camera.externalStreamSchema), scan_interval: count }),
  },
  scan_external_streams: {
    method: 'POST',
    path: '/api/v1/external-streams/scan',
    role: 'operator',
    tag: 'cameras',
    summary: 'Look for streams of others in the configured ranges',
    body: z
      .strictObject({
        skydio_enabled: z.boolean().optional(),
        generic_enabled: z.boolean().optional(),
        force_rescan: z.boolean().optional(),
        include_offline: z.boolean().optional(),
      })
      .optional(),
    answer: camera.externalScanSchema,
  },
  add_external_stream: {
    method: 'POST',
    path: '/api/v1/external-streams',
    role: 'operator',
    tag: 'cameras',
    summary: 'Name a stream of others; it becomes a camera',
    body: z.strictObject({
      stream_url: z.string().min(1).max(2048),
      stream_name: z.string().trim().min(1).max(120),
      stream_type: z.enum(camera.externalTypes).optional(),
    }),
    answer: camera.externalStreamSchema,
    status: 201,
  },
  remove_external_stream: {
    method: 'DELETE',
    path: '/api/v1/external-streams',
    role: 'operator',
    tag: 'cameras',
    summary: 'Forget it, and its camera',
    query: z.object({ stream_url: z.string().min(1).max(2048) }),
    status: 204,
  },
  set_scan_interval: {
    method: 'PUT',
    path: '/api/v1/external-streams/interval',
    role: 'admin',
    tag: 'cameras',
    summary: 'Scan every so many seconds; 0: only when asked',
    body: z.strictObject({ scan_interval: integer.min(0).max(86_400) }),
    answer: z.object({ scan_interval: integer }),
  },
} as const satisfies Record<string, Route>;
