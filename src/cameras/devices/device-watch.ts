/** Watches the device folder and tells the bus what was plugged and what went. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Device } from '../../contracts/device.js';
import { WeirError } from '../../contracts/errors.js';
import { setV4l2Controls } from '../../media/index.js';
import { type FolderNotices, watchFolder } from './folder-notices.js';
import { deviceIdBeside, deviceIdOf } from './identity.js';
import { type NodeFacts, readNodeFacts } from './node-facts.js';
import { Slots } from './slots.js';
import { DeviceTeller } from './teller.js';
import { VideoNode } from './video-node.js';
import type { DeviceCommand, DeviceSummary, DeviceWatch, DeviceWatchOptions } from './watch.js';

const nodeNames = /^video\d{1,4}$/;
/** Without the kernel's notices the folder is looked at this often. */
const pollMs = 100;
/** A probe that takes longer than this no longer holds up others. */
const slotPatienceMs = 1000;
/** `devices` is answered within the five seconds that a request lasts. */
const answerWithinMs = 3500;

/** Starts to watch; resolves once the watch stands. Devices that are there already are told like those that come. */
export async function startDeviceWatch(options: DeviceWatchOptions): Promise<DeviceWatch> {
  const watch = new FolderWatch(options);
  await watch.begin();
  return watch;
}

interface Entry {
  /** Tells a node from another one of the same name. */
  readonly incarnation: string;
  readonly node: VideoNode;
}

class FolderWatch implements DeviceWatch {
  readonly #options: DeviceWatchOptions;
  readonly #dev: string;
  readonly #sys: string;
  readonly #entries = new Map<string, Entry>();
  readonly #teller: DeviceTeller;
  readonly #slots: Slots;
  readonly #stop: () => void;
  #notices: FolderNotices | undefined;
  #hasToldLoss = false;
  #hasToldFlood = false;
  #next: NodeJS.Timeout | undefined;
  #nextAt = Number.POSITIVE_INFINITY;
  #scan: Promise<void> | undefined;
  #mustRescan = false;
  #isStopped = false;

  constructor(options: DeviceWatchOptions) {
    this.#options = options;
    this.#dev = options.roots?.dev ?? '/dev';
    this.#sys = options.roots?.sys ?? '/sys';
    this.#teller = new DeviceTeller(options.bus);
    this.#slots = new Slots(options.limits?.probesAtOnce ?? 4, slotPatienceMs);
    this.#stop = () => void this.stop();
  }

  async begin(): Promise<void> {
    this.#listen();
    this.#options.signal?.addEventListener('abort', this.#stop, { once: true });
    if (this.#options.signal?.aborted === true) return this.stop();
    await this.#look();
  }

  devices(): Device[] {
    return [...this.#entries]
      .sort(([a], [b]) => numberOf(a) - numberOf(b))
      .flatMap(([, { node }]) => (node.device === undefined ? [] : [{ ...node.device, timestamp: new Date().toISOString() }]));
  }

  summaries(): DeviceSummary[] {
    return this.devices().map(({ device_id, path, name }) => ({ device_id, path, name }));
  }

  async obey(command: DeviceCommand): Promise<unknown> {
    if (command.action === 'set_controls') return await this.#setControls(command.device_id, command.controls);
    await this.settled(AbortSignal.timeout(answerWithinMs)).catch(() => undefined);
    return { devices: this.devices() };
  }

  async settled(signal?: AbortSignal): Promise<void> {
    const done = this.#look().then(() => Promise.all([...this.#entries.values()].map(({ node }) => node.probing)));
    if (signal === undefined) return void (await done);
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const abort = () => reject(WeirError.from(signal.reason));
      signal.addEventListener('abort', abort, { once: true });
      done.then(() => resolve(), reject).finally(() => signal.removeEventListener('abort', abort));
    });
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearTimeout(this.#next);
    this.#notices?.stop();
    this.#teller.stop();
    this.#options.signal?.removeEventListener('abort', this.#stop);
    const probes = [...this.#entries.values()].map(({ node }) => {
      node.end();
      return node.probing;
    });
    await Promise.all([this.#scan, ...probes]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #listen(): void {
    this.#notices ??= watchFolder({
      folder: this.#dev,
      matches: nodeNames,
      onEntry: (name, hasMoved) => {
        if (hasMoved) this.#lookIn(this.#options.limits?.settleMs ?? 5);
        else this.#entries.get(name)?.node.touched();
      },
      onLost: (error) => {
        this.#notices = undefined;
        if (!this.#hasToldLoss) this.#options.log?.warn({ err: error, folder: this.#dev }, 'the kernel gives no notices of devices: looking instead');
        this.#hasToldLoss = true;
        this.#lookIn(pollMs);
      },
    });
  }

  /** An earlier look that is due stays: notices that keep coming never put it off. */
  #lookIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#isStopped || at >= this.#nextAt) return;
    clearTimeout(this.#next);
    this.#nextAt = at;
    this.#next = setTimeout(() => {
      void this.#look();
    }, ms);
    this.#next.unref();
  }

  /** One look at a time; one that is asked for meanwhile follows. */
  #look(): Promise<void> {
    if (this.#scan !== undefined) {
      this.#mustRescan = true;
      return this.#scan;
    }
    this.#scan = this.#looks().finally(() => {
      this.#scan = undefined;
    });
    return this.#scan;
  }

  async #looks(): Promise<void> {
    do {
      this.#mustRescan = false;
      clearTimeout(this.#next);
      this.#nextAt = Number.POSITIVE_INFINITY;
      if (this.#isStopped) return;
      this.#listen();
      await this.#scanFolder();
    } while (this.#mustRescan);
    this.#lookIn(this.#notices === undefined ? pollMs : (this.#options.limits?.reconcileMs ?? 10_000));
  }

  async #scanFolder(): Promise<void> {
    const found = await this.#findNodes();
    if (this.#isStopped) return;
    for (const [name, { incarnation }] of this.#entries) if (found.get(name) !== incarnation) this.#drop(name);
    const fresh = [...found.keys()].filter((name) => !this.#entries.has(name));
    const facts = await Promise.all(fresh.map((name) => readNodeFacts(this.#sys, name)));
    if (this.#isStopped) return;
    // In the order of the ports, so that of two cameras that claim one identity the same one gets it at each start.
    facts.sort((a, b) => (a.bus ?? '').localeCompare(b.bus ?? '') || numberOf(a.node) - numberOf(b.node));
    for (const one of facts) this.#add(one, found.get(one.node) ?? '');
    for (const { node } of this.#entries.values()) if (node.isUnsure) void node.probe();
  }

  /** Name to incarnation of the video nodes that are there, by number, as many as are looked after. */
  async #findNodes(): Promise<Map<string, string>> {
    const { maxNodes = 64 } = this.#options.limits ?? {};
    const names = (await readdir(this.#dev).catch(() => [])).filter((name) => nodeNames.test(name)).sort((a, b) => numberOf(a) - numberOf(b));
    if (names.length > maxNodes && !this.#hasToldFlood) {
      this.#hasToldFlood = true;
      this.#options.log?.warn({ nodes: names.length, limit: maxNodes }, 'more video nodes than are looked after');
    }
    const stats = await Promise.all(names.slice(0, maxNodes).map(async (name) => [name, await incarnationOf(join(this.#dev, name))] as const));
    return new Map(stats.flatMap(([name, incarnation]) => (incarnation === undefined ? [] : [[name, incarnation]])));
  }

  #add(facts: NodeFacts, incarnation: string): void {
    const { spokeId, v4l2Ctl, limits = {} } = this.#options;
    const claimed = new Set([...this.#entries.values()].map(({ node }) => node.deviceId));
    const wanted = deviceIdOf(facts);
    const deviceId = claimed.has(wanted) ? deviceIdBeside(wanted, facts) : wanted;
    const node: VideoNode = new VideoNode({
      path: join(this.#dev, facts.node),
      facts,
      deviceId,
      spokeId,
      v4l2Ctl,
      slots: this.#slots,
      probeMs: limits.probeMs ?? 5000,
      rightsMs: limits.rightsMs ?? 400,
      onChange: (device) => this.#changed(deviceId, device),
    });
    this.#entries.set(facts.node, { incarnation, node });
    void node.probe();
  }

  #changed(deviceId: string, device: Device | undefined): void {
    if (device === undefined) this.#teller.gone(deviceId);
    if (device === undefined || !this.#teller.present(device)) return;
    const fields = { device_id: deviceId, path: device.path, name: device.name };
    if (device.error === undefined) this.#options.log?.info(fields, 'a camera is there');
    else this.#options.log?.warn({ ...fields, reason: device.error }, 'a camera is there, but cannot be asked');
  }

  #drop(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    entry.node.end();
    if (entry.node.device === undefined) return;
    this.#teller.gone(entry.node.deviceId);
    this.#options.log?.info({ device_id: entry.node.deviceId, path: entry.node.path }, 'a camera is gone');
  }

  async #setControls(deviceId: string, controls: Readonly<Record<string, number | boolean | string>>): Promise<unknown> {
    const entry = [...this.#entries.values()].find(({ node }) => node.deviceId === deviceId && node.device !== undefined);
    if (entry === undefined) {
      throw new WeirError('not_found', `The device ${deviceId} is not plugged in`, { facts: { resource: 'device', id: deviceId } });
    }
    const { v4l2Ctl, limits } = this.#options;
    const set = await setV4l2Controls(entry.node.path, controls, { v4l2Ctl, timeoutMs: limits?.probeMs });
    const { device } = entry.node;
    if (device?.capabilities !== undefined) {
      entry.node.replaceDevice({ ...device, capabilities: { ...device.capabilities, controls: [...set] } });
    }
    return { controls: set };
  }
}

function numberOf(node: string): number {
  return Number(node.slice('video'.length));
}

/** A node that was unplugged and plugged again between two looks has another inode, or was made at another time. */
async function incarnationOf(path: string): Promise<string | undefined> {
  const facts = await stat(path, { bigint: true }).catch(() => undefined);
  return facts === undefined || facts.isDirectory() ? undefined : `${facts.ino}-${facts.rdev}-${facts.birthtimeNs}`;
}
