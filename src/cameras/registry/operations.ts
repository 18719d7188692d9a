/** What can be asked of cameras, one operation per route. Input is checked already; here rights per camera are. */
import { mayOperate, mayView } from '../../access/index.js';
import { type AddCamera, type Camera, type Operation, type Session, type UpdateCamera, WeirError } from '../../contracts/index.js';
import type { ExternalOperations } from '../external/externals.js';
import type { Onvif } from '../onvif/find.js';
import type { AddedCameras, NewAddress } from './added-cameras.js';
import { hasAddressWish } from './address-change.js';
import type { CameraEntry } from './camera-book.js';
import type { CameraStreams } from './camera-streams.js';
import type { DeviceIntake } from './device-intake.js';
import type { CameraParts } from './parts.js';
import type { DeviceRegistry } from './registry.js';
import { needAll } from './rights.js';
import type { CameraStandings } from './standings.js';
import { forViewer, showCamera } from './view.js';

/** Every operation of the cameras part, named as its route. All of them throw `WeirError`. */
export interface CameraOperations extends ExternalOperations {
  readonly list_cameras: Operation<'list_cameras'>;
  readonly add_camera: Operation<'add_camera'>;
  readonly get_camera: Operation<'get_camera'>;
  readonly update_camera: Operation<'update_camera'>;
  readonly delete_camera: Operation<'delete_camera'>;
  readonly discover_cameras: Operation<'discover_cameras'>;
}

export interface OperationNouns {
  readonly parts: CameraParts;
  readonly standings: CameraStandings;
  readonly streams: CameraStreams;
  readonly registry: DeviceRegistry;
  readonly intake: DeviceIntake;
  readonly added: AddedCameras;
  readonly onvif: Onvif;
}

const defaultFindS = 3;

export function createCameraOperations(nouns: OperationNouns, external: ExternalOperations): CameraOperations {
  const { parts, added } = nouns;
  const show = (session: Session, entry: CameraEntry, host?: string): Camera => {
    const camera = showCamera(parts, entry, host);
    return session.role === 'viewer' ? forViewer(camera) : camera;
  };
  return {
    ...external,
    async list_cameras(session, { query }, { host }) {
      const visible = parts.book.all().filter((entry) => mayView(session, entry.record.camera_id));
      const matching = visible.filter((entry) => query.status === undefined || entry.status === query.status);
      const after = parseCursor(query.cursor);
      const rest = matching.filter((entry) => entry.record.number > after);
      const shown = rest.slice(0, query.limit);
      const last = shown.at(-1);
      return {
        items: shown.map((entry) => show(session, entry, host)),
        next_cursor: rest.length > shown.length && last !== undefined ? formatCursor(last.record.number) : null,
        total: matching.length,
        connected: matching.filter((entry) => entry.status === 'CONNECTED').length,
      };
    },
    async get_camera(session, { params }, { host }) {
      if (!mayView(session, params.camera_id)) throw new WeirError('permission_denied', `You may not see ${params.camera_id}`);
      return show(session, parts.book.need(params.camera_id), host);
    },
    async add_camera(session, { body }, { signal, host }) {
      needAll(session, 'add cameras');
      const entry = await added.add(body satisfies AddCamera, session, signal);
      return show(session, entry, host);
    },
    async update_camera(session, { params, body }, { signal, host }) {
      needOperate(session, params.camera_id);
      const entry = parts.book.need(params.camera_id);
      await update(nouns, entry, body, session, signal);
      return show(session, entry, host);
    },
    async delete_camera(session, { params }) {
      needOperate(session, params.camera_id);
      const entry = parts.book.need(params.camera_id);
      if (entry.isPlugged) {
        throw new WeirError('failed_precondition', `${params.camera_id} is plugged in and would come back at once`, {
          hint: 'Unplug it first',
          facts: { state: entry.status, allowed_states: ['DISCONNECTED'] },
        });
      }
      await added.remove(entry, session);
      return undefined;
    },
    async discover_cameras(session, { body }, { signal }) {
      needAll(session, 'look for cameras on the network');
      const startedAt = performance.now();
      const { timeout_s: timeoutS = defaultFindS, ...rest } = body ?? {};
      const { items, errors } = await nouns.onvif.find({ ...rest, timeoutMs: timeoutS * 1000, signal });
      return {
        items: items.map((item) => ({ ...item, camera_id: added.idOfOnvif(item.source) ?? null })),
        errors,
        took_ms: Math.round(performance.now() - startedAt),
      };
    },
  };
}

function needOperate(session: Session, cameraId: string): void {
  if (!mayOperate(session, cameraId)) throw new WeirError('permission_denied', `You may not change ${cameraId}`);
}

async function update(nouns: OperationNouns, entry: CameraEntry, body: UpdateCamera, session: Session, signal: AbortSignal): Promise<void> {
  const { parts, standings, streams, added } = nouns;
  const { controls, source: _source, username: _username, password: _password, ...rest } = body;
  // First, since it is what may fail.
  const address = hasAddressWish(body) ? await added.newAddress(entry, body, signal) : undefined;
  if (controls !== undefined && Object.keys(controls).length > 0) await setControls(nouns, entry, controls, signal);
  const changes = { ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)), ...recordOf(address) };
  if (Object.keys(changes).length === 0) return;
  const before = entry.record;
  await parts.book.change(entry, changes, session);
  try {
    await streams.apply(entry, rest, session, address?.device);
  } catch (error) {
    const { name, resolution, framerate, always_on, identity, kind, source, capabilities } = before;
    const place = address === undefined ? {} : { identity, kind, source, capabilities };
    await parts.book.change(entry, { name, resolution, framerate, always_on, ...place }, session);
    throw error;
  }
  if (address !== undefined) await added.moved(entry, address.identity !== before.identity);
  standings.judge(entry);
  standings.tell({ type: 'updated', camera: standings.show(entry) });
}

function recordOf(address: NewAddress | undefined) {
  if (address === undefined) return {};
  const { identity, kind, shown, capabilities } = address;
  return { identity, kind, source: shown, capabilities };
}

async function setControls(
  { registry, intake }: OperationNouns,
  { record }: CameraEntry,
  controls: NonNullable<UpdateCamera['controls']>,
  signal: AbortSignal,
): Promise<void> {
  if (record.kind !== 'v4l2') {
    throw new WeirError('unsupported', `${record.camera_id} is no V4L2 device and has no such controls`, { facts: { feature: 'controls' } });
  }
  const place = registry.placeOf(record.camera_id);
  if (place === undefined || place.spokeId === '') {
    throw new WeirError('failed_precondition', `${record.camera_id} is not plugged in`, {
      facts: { state: 'DISCONNECTED', allowed_states: ['CONNECTED'] },
    });
  }
  await intake.command(place.spokeId, { action: 'set_controls', device_id: place.deviceId, controls }, signal);
  await intake.refresh(place.spokeId);
}

function formatCursor(number: number): string {
  return Buffer.from(String(number)).toString('base64url');
}

function parseCursor(cursor: string | undefined): number {
  if (cursor === undefined) return -1;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new WeirError('invalid_argument', 'cursor is not one that a page gave out', { field: 'cursor', received: cursor });
}
