/** Hears of capture devices: as they come and go, and by asking each spoke for all of them when it shows itself. */
import { randomUUID } from 'node:crypto';
import { type AgentEvent, type AgentWatch, type BusSubscription, type MessageMeta, watchAgents } from '../../bus/index.js';
import { type ChannelName, type Device, deviceSchema } from '../../contracts/index.js';
import type { CameraParts } from './parts.js';
import { Turns } from './turns.js';

/** Marks the hub's own messages; who hears one has no device to take. */
const originHeader = 'Weir-Origin';
/** A spoke answers when all its devices are probed, and a driver that hangs costs it 5 s. */
const listMs = 10_000;
/** A start waits so long for spokes that were there before. */
const firstListsMs = 1000;
const maxListed = 256;

/** What becomes of what is heard. Called one after the other. */
export interface DeviceReceiver {
  discovered(device: Device, spokeId: string): Promise<void>;
  removed(deviceId: string, spokeId: string, atMs: number): Promise<void>;
  /** All that are plugged in on a spoke, as it said at `atMs`. */
  listed(devices: readonly Device[], spokeId: string, atMs: number): Promise<void>;
  /** A heartbeat of the spoke; not in turn with the others. */
  alive(spokeId: string): void;
  /** Nothing is heard of the spoke any more. */
  lost(spokeId: string): Promise<void>;
}

/** Owns the subscriptions. */
export class DeviceIntake {
  readonly #parts: CameraParts;
  readonly #receiver: DeviceReceiver;
  readonly #turns = new Turns();
  readonly #asking = new Map<string, { again: boolean; cut: AbortController }>();
  readonly #origin = `cameras-${randomUUID().slice(0, 8)}`;
  #subscriptions: BusSubscription[] = [];
  #unhear: () => void = () => undefined;
  #watch: AgentWatch | undefined;

  constructor(parts: CameraParts, receiver: DeviceReceiver) {
    this.#parts = parts;
    this.#receiver = receiver;
  }

  /** Devices can be heard when it resolves; spokes that are known and there have been asked, if they answered at once. */
  async start(): Promise<void> {
    const { bus, timing, signal, store } = this.#parts;
    this.#subscriptions = [
      bus.subscribe('device_discovered', {}, (device, meta) => this.#heard(meta, () => this.#receiver.discovered(device, device.spoke_id ?? ''))),
      bus.subscribe('device_removed', {}, (device, meta) =>
        this.#heard(meta, () => this.#receiver.removed(device.device_id, device.spoke_id ?? '', Date.parse(device.timestamp))),
      ),
    ];
    this.#watch = watchAgents(bus, { kind: 'spoke', lostAfterMs: timing.spokeLostMs, signal, onEvent: (event) => this.#onSpoke(event) });
    await Promise.all([this.#watch.ready, ...this.#subscriptions.map((subscription) => subscription.ready)]);
    // What came and went meanwhile was told to nobody.
    this.#unhear = bus.onReconnect(() => this.refreshAll());
    const known = await store.spokes.all();
    const asked = Promise.all(known.map(({ spoke_id }) => this.#ask(spoke_id)));
    await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, firstListsMs).unref())]);
  }

  /** Name of the machine a spoke runs on; undefined when it was not heard. */
  hostOf(spokeId: string): string | undefined {
    return this.#watch?.agents.get(spokeId)?.announce?.host;
  }

  isOnline(spokeId: string): boolean {
    return this.#watch?.agents.get(spokeId)?.online === true;
  }

  /** Sends a command to a spoke; throws what it answers. */
  async command(spokeId: string, command: Parameters<AgentWatch['command']>[1], signal: AbortSignal): Promise<unknown> {
    return (await this.#watch?.command(spokeId, command, { timeoutMs: listMs, signal }))?.result;
  }

  /** Repeats an event with the id of the camera, for those who do not know devices. */
  repeat(name: 'device_discovered' | 'device_removed', device: Device, cameraId: string): void {
    this.#parts.bus.publish(name, {}, { ...device, camera_id: cameraId }, { headers: { [originHeader]: this.#origin } });
  }

  /** Asks the spoke for all its devices; a spoke that is being asked is asked again after. */
  async refresh(spokeId: string): Promise<void> {
    await this.#ask(spokeId);
  }

  /** Asks every spoke that is known to be there; what fails is tried again when the spoke shows itself. */
  refreshAll(): void {
    for (const agentId of this.#watch?.agents.keys() ?? []) this.#ask(agentId).catch((error: unknown) => this.#complain(error, agentId));
  }

  async stop(): Promise<void> {
    this.#unhear();
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#watch?.stop();
    await this.#turns.idle();
  }

  #onSpoke({ type, agent }: AgentEvent): void {
    if (type === 'heartbeat') this.#receiver.alive(agent.agentId);
    else if (type === 'lost') {
      this.#asking.get(agent.agentId)?.cut.abort();
      this.#turns.run(() => this.#receiver.lost(agent.agentId)).catch((error: unknown) => this.#complain(error, agent.agentId));
    } else if (type === 'announced' || type === 'online') {
      // A new process does not answer what its predecessor was asked.
      if (type === 'online') this.#asking.get(agent.agentId)?.cut.abort();
      this.#ask(agent.agentId).catch((error: unknown) => this.#complain(error, agent.agentId));
    }
  }

  /** Messages of a hub, this one or another, only repeat what spokes have said. */
  async #heard(meta: MessageMeta<ChannelName>, take: () => Promise<void>): Promise<void> {
    if (meta.header(originHeader) !== undefined) return;
    await this.#turns.run(take).catch((error: unknown) => this.#complain(error, ''));
  }

  async #ask(spokeId: string): Promise<void> {
    const running = this.#asking.get(spokeId);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const state = { again: true, cut: new AbortController() };
    this.#asking.set(spokeId, state);
    try {
      while (state.again && !this.#parts.signal.aborted) {
        state.again = false;
        state.cut = new AbortController();
        await this.#list(spokeId, state.cut.signal).catch((error: unknown) => {
          if (!state.again) throw error;
        });
      }
    } catch (error) {
      // A spoke without a device watch refuses; one that is away is asked when it comes.
      this.#parts.log.debug({ err: error, spoke_id: spokeId }, 'a spoke could not be asked for its devices');
    } finally {
      this.#asking.delete(spokeId);
    }
  }

  async #list(spokeId: string, cut: AbortSignal): Promise<void> {
    const { bus } = this.#parts;
    const signal = AbortSignal.any([this.#parts.signal, cut]);
    const reply = await bus.request('spoke_command', { spoke_id: spokeId }, { action: 'devices' }, { timeoutMs: listMs, signal });
    if (!reply.ok) return;
    const devices = parseDevices(reply.result);
    if (devices !== undefined) await this.#turns.run(() => this.#receiver.listed(devices, spokeId, Date.parse(reply.timestamp)));
  }

  #complain(error: unknown, spokeId: string): void {
    if (!this.#parts.signal.aborted)
      this.#parts.log.warn({ err: error, ...(spokeId === '' ? {} : { spoke_id: spokeId }) }, 'a device could not be taken');
  }
}

/** `{devices: [...]}`; undefined for anything else. Entries that are no device are left out. */
function parseDevices(result: unknown): Device[] | undefined {
  const list = typeof result === 'object' && result !== null ? (result as { devices?: unknown }).devices : undefined;
  if (!Array.isArray(list)) return undefined;
  return list.slice(0, maxListed).flatMap((one) => {
    const parsed = deviceSchema.safeParse(one);
    return parsed.success ? [parsed.data] : [];
  });
}
