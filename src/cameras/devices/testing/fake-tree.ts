/** A device tree in a temp folder, laid out as the kernel's, and a `v4l2-ctl` that answers with what stands in the node's file. */
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface FakeUsb {
  /** Port chain below the controller 0000:00:14.0, for example `2` or `1.4`. */
  readonly port: string;
  readonly vendorId?: string;
  readonly productId?: string;
  readonly serial?: string;
  readonly interfaceNumber?: number;
}

export interface FakeNode {
  readonly name?: string;
  readonly index?: number;
  readonly usb?: FakeUsb;
  /** What the driver says; or `hang`, `busy` (cannot be opened) or `silent` (says nothing). */
  readonly report?: string;
}

/** Formats and controls of a plain webcam, in the words of v4l2-ctl 1.22. */
export function webcamReport(options: { card?: string; bus?: string; deviceCaps?: readonly string[]; rate?: number } = {}): string {
  const { card = 'Fake Webcam', bus = 'usb-0000:00:14.0-2', deviceCaps = ['Video Capture', 'Streaming', 'Extended Pix Format'], rate = 30 } = options;
  return `Driver Info:
\tDriver name      : uvcvideo
\tCard type        : ${card}
\tBus info         : ${bus}
\tDriver version   : 6.1.90
\tCapabilities     : 0x84a00001
\t\tVideo Capture
\t\tMetadata Capture
\t\tStreaming
\t\tExtended Pix Format
\t\tDevice Capabilities
\tDevice Caps      : 0x04200001
${deviceCaps.map((cap) => `\t\t${cap}`).join('\n')}
Priority: 2
Video input : 0 (Camera 1: ok)

User Controls

                     brightness 0x00980900 (int)    : min=0 max=255 step=1 default=128 value=128
        white_balance_automatic 0x0098090c (bool)   : default=1 value=1

ioctl: VIDIOC_ENUM_FMT
\tType: Video Capture

\t[0]: 'MJPG' (Motion-JPEG, compressed)
\t\tSize: Discrete 1280x720
\t\t\tInterval: Discrete ${(1 / rate).toFixed(3)}s (${rate.toFixed(3)} fps)
`;
}

export class FakeTree {
  readonly roots: { dev: string; sys: string };
  readonly v4l2Ctl: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.roots = { dev: join(folder, 'dev'), sys: join(folder, 'sys') };
    this.v4l2Ctl = join(folder, 'v4l2-ctl');
  }

  static async create(folder: string): Promise<FakeTree> {
    const tree = new FakeTree(folder);
    await mkdir(tree.roots.dev);
    await mkdir(join(tree.roots.sys, 'class', 'video4linux'), { recursive: true });
    await mkdir(join(tree.roots.sys, 'devices'), { recursive: true });
    // Notes each call; sets controls in the node's file.
    await writeFile(
      tree.v4l2Ctl,
      `#!/bin/sh
echo "$*" >> ${join(folder, 'calls')}
[ -e "$2" ] || { echo "Cannot open device $2, exiting." >&2; exit 1; }
read -r first < "$2"
case "$first" in
  hang) exec sleep 600 ;;
  busy) echo "Cannot open device $2, exiting." >&2; exit 1 ;;
  silent) exit 0 ;;
esac
case "$3" in
  --set-ctrl) changed=$(sed "/^ *\${4%%=*} /s/value=[^ ]*/value=\${4#*=}/" "$2"); echo "$changed" > "$2" ;;
  *) exec cat "$2" ;;
esac
`,
    );
    await chmod(tree.v4l2Ctl, 0o755);
    return tree;
  }

  /** Everything that `v4l2-ctl` notes of its calls goes there. */
  get callsFile(): string {
    return join(this.#folder, 'calls');
  }

  /** As the kernel does it: first the tree, then the node. */
  async plug(node: string, fake: FakeNode = {}): Promise<void> {
    const { name = 'Fake Webcam', index = 0, report = webcamReport() } = fake;
    const place = fake.usb === undefined ? join('platform', `${node}.0`) : await this.#plugUsb(fake.usb);
    const device = join(this.roots.sys, 'devices', place);
    const folder = join(device, 'video4linux', node);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'name'), `${name}\n`);
    await writeFile(join(folder, 'index'), `${index}\n`);
    await rm(join(folder, 'device'), { force: true });
    await symlink(device, join(folder, 'device'));
    const link = join(this.roots.sys, 'class', 'video4linux', node);
    await rm(link, { force: true });
    await symlink(folder, link);
    // Whole at once, as a node is.
    await writeFile(join(this.#folder, `${node}.new`), report);
    await rename(join(this.#folder, `${node}.new`), join(this.roots.dev, node));
  }

  async unplug(node: string): Promise<void> {
    await rm(join(this.roots.dev, node));
    await rm(join(this.roots.sys, 'class', 'video4linux', node), { force: true });
  }

  async #plugUsb(usb: FakeUsb): Promise<string> {
    const place = join('pci0000:00', '0000:00:14.0', 'usb1', `1-${usb.port}`);
    const device = join(this.roots.sys, 'devices', place);
    const part = `1-${usb.port}:1.${usb.interfaceNumber ?? 0}`;
    await mkdir(join(device, part), { recursive: true });
    await writeFile(join(device, 'idVendor'), `${usb.vendorId ?? '046d'}\n`);
    await writeFile(join(device, 'idProduct'), `${usb.productId ?? '0825'}\n`);
    if (usb.serial === undefined) await rm(join(device, 'serial'), { force: true });
    else await writeFile(join(device, 'serial'), `${usb.serial}\n`);
    await writeFile(join(device, part, 'bInterfaceNumber'), `${(usb.interfaceNumber ?? 0).toString(16).padStart(2, '0')}\n`);
    return join(place, part);
  }
}
