/** The tables as both dialects know them. Times are RFC 3339 texts, JSON is text, flags are 0 or 1: alike everywhere and as on the wire. */
import type { Generated } from 'kysely';
import type { JobTables } from './job-tables.js';
import type { RecordingTables } from './recording-tables.js';
import type { VideoTables } from './video-tables.js';

export interface Database extends JobTables, RecordingTables, VideoTables {
  streams: {
    stream_id: string;
    name: string;
    config: string;
    desired: string;
    on_demand: number;
    managed: number;
    spoke: string | null;
    revision: number;
    created_at: string;
    updated_at: string;
  };
  users: {
    user_id: string;
    username: string;
    /** Lower case, so that `Anna` and `anna` are one. */
    username_key: string;
    password_hash: string;
    role: string;
    streams: string | null;
    disabled: number;
    created_at: string;
    last_login_at: string | null;
  };
  sessions: {
    session_id: string;
    token_hash: string;
    user_id: string;
    created_at: string;
    expires_at: string;
    ends_at: string;
    last_seen_at: string;
    address: string | null;
    user_agent: string | null;
  };
  tokens: {
    token_id: string;
    secret_hash: string;
    name: string;
    role: string;
    streams: string | null;
    created_at: string;
    created_by: string;
    expires_at: string | null;
    last_used_at: string | null;
  };
  bus_users: {
    name: string;
    password_hash: string;
    publish: string;
    subscribe: string;
    allow_responses: number;
    grants: string | null;
    created_at: string;
  };
  bus_logins: {
    viewer: string;
    principal_id: string;
    user_id: string | null;
    username: string;
    password_hash: string;
    role: string;
    streams: string | null;
    created_at: string;
    expires_at: string;
  };
  alerts: {
    alert_no: Generated<number>;
    alert_id: string;
    severity: string;
    kind: string;
    message: string;
    hint: string | null;
    /** Empty for an alert of no stream: a unique index takes every null for another value. */
    stream_id: string;
    count: number;
    raised_at: string;
    last_raised_at: string;
    cleared_at: string | null;
    acknowledged_at: string | null;
    acknowledged_by: string | null;
  };
  audit: {
    audit_id: Generated<number>;
    time: string;
    actor: string;
    action: string;
    target: string | null;
    outcome: string;
    address: string | null;
    detail: string | null;
  };
  outbox: {
    outbox_id: Generated<number>;
    event_id: string;
    name: string;
    params: string;
    message: string;
    created_at: string;
    attempts: number;
    last_error: string | null;
    sent_at: string | null;
    dead_at: string | null;
  };
  settings: { key: string; value: string; updated_at: string };
  spokes: { spoke_id: string; spoke: string; last_seen_at: string };
  cameras: {
    camera_id: string;
    number: number;
    identity: string;
    name: string;
    kind: string;
    device_id: string | null;
    spoke_id: string | null;
    source: string;
    resolution: string | null;
    framerate: number | null;
    always_on: number;
    capabilities: string | null;
    created_at: string;
    connected_at: string | null;
    last_seen_at: string | null;
    deleted_at: string | null;
  };
  external_streams: {
    url: string;
    type: string;
    name: string;
    status: string;
    discovered_at: string;
    last_seen: string;
    camera_id: string | null;
    capabilities: string;
  };
  settings_versions: {
    version: Generated<number>;
    time: string;
    actor: string;
    comment: string | null;
    changes: string;
    settings: string;
    outcome: string;
    detail: string | null;
  };
}

export function toFlag(value: boolean): number {
  return value ? 1 : 0;
}

/** A list of streams as kept: null stands for all of them. */
export function parseScope(text: string | null): string[] | null {
  return text === null ? null : (JSON.parse(text) as string[]);
}

export function formatScope(streams: readonly string[] | null): string | null {
  return streams === null ? null : JSON.stringify(streams);
}

export function nowText(): string {
  return new Date().toISOString();
}
