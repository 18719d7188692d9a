/** Spokes, alerts, health, documents. */
import { z } from 'zod';
import { spokeSchema } from '../agent.js';
import { alertSchema } from '../alert.js';
import { idSchema } from '../ids.js';
import { systemHealthSchema } from '../system.js';
import { page, pageQuery, type Route } from './route.js';

const healthAnswer = z.object({ status: z.string() });

export const systemRoutes = {
  list_spokes: {
    method: 'GET',
    path: '/api/v1/spokes',
    role: 'operator',
    tag: 'spokes',
    summary: 'Spokes that announced themselves',
    answer: z.object({ items: z.array(spokeSchema) }),
  },
  drain_spoke: {
    method: 'POST',
    path: '/api/v1/spokes/{spoke_id}/drain',
    role: 'admin',
    tag: 'spokes',
    summary: 'Move its streams elsewhere and take no new ones',
    params: z.object({ spoke_id: idSchema }),
    answer: spokeSchema,
  },
  list_alerts: {
    method: 'GET',
    path: '/api/v1/alerts',
    role: 'operator',
    tag: 'alerts',
    summary: 'Alerts, newest first',
    query: pageQuery.extend({ open: z.enum(['true', 'false']).optional() }),
    answer: page(alertSchema),
  },
  acknowledge_alert: {
    method: 'POST',
    path: '/api/v1/alerts/{alert_id}/acknowledge',
    role: 'operator',
    tag: 'alerts',
    summary: 'Mark an alert as seen',
    params: z.object({ alert_id: idSchema }),
    answer: alertSchema,
  },
  system_health: {
    method: 'GET',
    path: '/health/detailed',
    role: 'viewer',
    tag: 'system',
    summary: 'Health of every component',
    answer: systemHealthSchema,
  },
  health: { method: 'GET', path: '/health', role: 'anyone', tag: 'system', summary: 'Health in one word', answer: healthAnswer },
  health_ready: {
    method: 'GET',
    path: '/health/ready',
    role: 'anyone',
    tag: 'system',
    summary: '200 when requests can be served, else 503',
    answer: healthAnswer,
  },
  health_live: { method: 'GET', path: '/health/live', role: 'anyone', tag: 'system', summary: '200 while the process works', answer: healthAnswer },
  metrics: {
    method: 'GET',
    path: '/metrics',
    role: 'viewer',
    tag: 'system',
    summary: 'Prometheus metrics',
    produces: 'text/plain; version=0.0.4; charset=utf-8',
  },
  openapi: {
    method: 'GET',
    path: '/api/v1/openapi.json',
    role: 'anyone',
    tag: 'system',
    summary: 'This API as OpenAPI 3.1',
    answer: z.record(z.string(), z.unknown()),
  },
  asyncapi: {
    method: 'GET',
    path: '/api/v1/asyncapi.json',
    role: 'anyone',
    tag: 'system',
    summary: 'The bus as AsyncAPI 3',
    answer: z.record(z.string(), z.unknown()),
  },
  openrpc: {
    method: 'GET',
    path: '/api/v1/openrpc.json',
    role: 'anyone',
    tag: 'system',
    summary: 'JSON-RPC as OpenRPC',
    answer: z.record(z.string(), z.unknown()),
  },
} as const satisfies Record<string, Route>;
