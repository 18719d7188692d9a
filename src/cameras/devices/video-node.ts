/** One video node, from its appearance to its end: who it is and what it can do. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Device } from '../../contracts/device.js';
import { WeirError } from '../../contracts/errors.js';
import { isLoopback, probeV4l2, type V4l2Probe } from '../../media/index.js';
import type { NodeFacts } from './node-facts.js';
import type { Slots } from './slots.js';

export interface VideoNodeOptions {
  readonly path: string;
  readonly facts: NodeFacts;
  readonly deviceId: string;
  readonly spokeId: string;
  readonly v4l2Ctl: string | undefined;
  readonly slots: Slots;
  readonly probeMs: number;
  readonly rightsMs: number;
  /** The device as it is now; undefined: there is no camera behind this node. */
  onChange(device: Device | undefined): void;
}

const firstPauseMs = 20;

export class VideoNode {
  readonly deviceId: string;
  readonly path: string;
  readonly #options: VideoNodeOptions;
  readonly #end = new AbortController();
  #device: Device | undefined;
  #probing: Promise<void> | undefined;
  #wake = new AbortController();
  #isStuck = false;
  #mayChange = false;

  constructor(options: VideoNodeOptions) {
    this.#options = options;
    this.path = options.path;
    this.deviceId = options.deviceId;
  }

  /** Undefined while it is not known, and for what is no camera. */
  get device(): Device | undefined {
    return this.#device;
  }

  /** The probe that is under way. */
  get probing(): Promise<void> | undefined {
    return this.#probing;
  }

  /** Whether another look could bring something else. */
  get isUnsure(): boolean {
    return !this.#isStuck && (this.#device?.error !== undefined || this.#mayChange);
  }

  /** Looks at it, unless that is being done already. */
  probe(): Promise<void> {
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  /** Its rights changed. */
  touched(): void {
    this.#wake.abort();
    if (this.isUnsure) void this.probe();
  }

  /** Takes over what is known better after controls were set. */
  replaceDevice(device: Device): void {
    if (!this.#end.signal.aborted) this.#device = device;
  }

  /** It is gone; nothing is told any more. */
  end(): void {
    this.#end.abort();
  }

  async #probe(): Promise<void> {
    const result = await this.#look().catch((error: unknown) => WeirError.from(error));
    if (this.#end.signal.aborted) return;
    const isError = result instanceof WeirError;
    this.#mayChange = !isError && !result.isCapture && isLoopback(result.report);
    // A node that went in between is told gone by whoever watches the folder.
    if (isError && result.code === 'not_found') return;
    this.#device = isError ? this.#broken(result) : result.isCapture ? this.#whole(result) : undefined;
    this.#options.onChange(this.#device);
  }

  /** A node is there before its driver takes calls and before its rights are set: that is given a moment. */
  async #look(): Promise<V4l2Probe> {
    const { path, v4l2Ctl, probeMs, rightsMs, slots } = this.#options;
    const signal = this.#end.signal;
    const until = performance.now() + rightsMs;
    for (let pauseMs = firstPauseMs; ; pauseMs *= 2) {
      this.#wake = new AbortController();
      try {
        return await slots.run(() => probeV4l2(path, { v4l2Ctl, timeoutMs: probeMs, signal, onStuck: (gone) => this.#stuck(gone) }));
      } catch (error) {
        const { code } = WeirError.from(error);
        const mayPass = code === 'permission_denied' || code === 'unavailable';
        if (!mayPass || performance.now() + pauseMs > until) throw error;
      }
      await delay(pauseMs, undefined, { signal: AbortSignal.any([signal, this.#wake.signal]) }).catch(() => undefined);
    }
  }

  #stuck(gone: Promise<void>): void {
    if (this.#end.signal.aborted) return;
    this.#isStuck = true;
    void gone.then(() => {
      this.#isStuck = false;
    });
  }

  #whole({ report, capabilities }: V4l2Probe): Device {
    const bus = this.#options.facts.bus ?? report.bus;
    const name = this.#options.facts.usb === undefined ? (this.#options.facts.name ?? report.card) : (report.card ?? this.#options.facts.name);
    const device = { ...this.#base(name, bus), capabilities };
    return capabilities.formats.length > 0 ? device : { ...device, error: 'The device names no picture format' };
  }

  /** Which nodes of a device are cameras cannot be asked then: the first one is taken for it, unless its name speaks against it. */
  #broken(error: WeirError): Device | undefined {
    const { facts } = this.#options;
    const isOther = (facts.index ?? 0) > 0 || /codec|m2m|decode|encode|meta|[-_ ]out\b|[-_]isp\b/i.test(facts.name ?? '');
    if (error.code === 'unsupported' || isOther) return undefined;
    return { ...this.#base(facts.name, facts.bus), error: error.hint === undefined ? error.message : `${error.message}. ${error.hint}` };
  }

  #base(name: string | undefined, bus: string | undefined): Device {
    const { path, deviceId, spokeId, facts } = this.#options;
    return {
      device_id: deviceId,
      path,
      name: cleanName(name) ?? facts.node,
      spoke_id: spokeId,
      ...(facts.usb?.serial === undefined ? {} : { serial: facts.usb.serial }),
      ...(bus === undefined ? {} : { bus }),
      timestamp: new Date().toISOString(),
    };
  }
}

/** Webcams are often called `Integrated Camera: Integrated C`: the same twice, cut off. */
function cleanName(name: string | undefined): string | undefined {
  const [first, second] = name?.split(': ', 2) ?? [];
  return first !== undefined && second !== undefined && first.startsWith(second) ? first : name;
}
