/** What the kernel's device tree tells of a video node, without opening it. */
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface UsbFacts {
  readonly vendorId: string;
  readonly productId: string;
  readonly serial: string | undefined;
  /** Number of the interface the node belongs to; cameras with several sensors have several. */
  readonly interfaceNumber: number;
}

export interface NodeFacts {
  /** Name of the node, for example `video0`. */
  readonly node: string;
  /** What the driver calls it; undefined where the device tree cannot be read. */
  readonly name: string | undefined;
  /** Which node of its parent it is, counted from 0. */
  readonly index: number | undefined;
  /** Where it is plugged in: `usb-0000:00:14.0-2`, `platform-vivid.0`; the same text after a reboot. */
  readonly bus: string | undefined;
  readonly usb: UsbFacts | undefined;
}

/** Reads `class/video4linux/<node>` below `sys`; never throws: what cannot be read is undefined. */
export async function readNodeFacts(sys: string, node: string): Promise<NodeFacts> {
  const folder = join(sys, 'class', 'video4linux', node);
  const [name, index, device, root] = await Promise.all([
    readText(join(folder, 'name')),
    readText(join(folder, 'index')),
    realpath(join(folder, 'device')).catch(() => undefined),
    realpath(join(sys, 'devices')).catch(() => undefined),
  ]);
  const place = device === undefined || root === undefined ? {} : await readPlace(device, root);
  return {
    node,
    name,
    index: index !== undefined && /^\d{1,4}$/.test(index) ? Number(index) : undefined,
    bus: place.bus,
    usb: place.usb,
  };
}

interface Place {
  readonly bus?: string;
  readonly usb?: UsbFacts;
}

/** From the interface up to the USB device, its hubs, and the controller that the chain hangs on. */
async function readPlace(device: string, root: string): Promise<Place> {
  if (!device.startsWith(`${root}/`)) return {};
  for (let folder = device; folder.length > root.length; folder = dirname(folder)) {
    const vendorId = await readText(join(folder, 'idVendor'));
    if (vendorId === undefined) continue;
    const bus = usbPath(folder);
    const [productId = '0000', serial, interfaceNumber] = await Promise.all([
      readText(join(folder, 'idProduct')),
      readText(join(folder, 'serial')),
      folder === device ? undefined : readText(join(device, 'bInterfaceNumber')),
    ]);
    const usb = { vendorId, productId, serial, interfaceNumber: Number.parseInt(interfaceNumber ?? '0', 16) || 0 };
    return bus === undefined ? { usb } : { bus, usb };
  }
  return { bus: plainPath(device, root) };
}

/** `…/0000:00:14.0/usb1/1-2/1-2.3` is `usb-0000:00:14.0-2.3`, as the kernel itself calls it; the number of the bus changes from boot to boot. */
function usbPath(folder: string): string | undefined {
  const [, ports] = /^\d+-([\d.]+)$/.exec(basename(folder)) ?? [];
  const [, controller] = /\/([^/]+)\/usb\d+(?:\/|$)/.exec(folder) ?? [];
  return ports === undefined || controller === undefined ? undefined : `usb-${controller}-${ports}`;
}

/** `<root>/platform/vivid.0` is `platform-vivid.0`, `<root>/pci0000:00/0000:00:1c.0/0000:03:00.0` is `pci-0000:03:00.0`. */
function plainPath(device: string, root: string): string {
  const [kind = ''] = device.slice(root.length + 1).split('/');
  return `${kind.startsWith('pci') ? 'pci' : kind}-${basename(device)}`;
}

async function readText(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const line = (text.split('\n')[0] ?? '').replace(/\0/g, '').trim().slice(0, 256);
  return line === '' ? undefined : line;
}
