#!/usr/bin/env node
/**
 * Runs a command on a machine that has cameras, for machines that have none:
 *   node scripts/v4l2-vm.mjs [--timeout SECONDS] [--memory MB] [--console FILE] -- COMMAND [ARGUMENT ...]
 *   node scripts/v4l2-vm.mjs --check      says whether it can, and why not
 *
 * Debian's kernel starts under QEMU with the files of this machine below `/`: they are read, while all that is written stays in the
 * memory of the machine and is gone with it. The command runs as root in the folder it was called from; its output comes as it is
 * written, and its exit code is ours (124: not finished in time). Loopback is its only network.
 *
 * Inside, the drivers lie in `/run/v4l2-vm`, with `modules.json` telling what to load in which order (`insmod`):
 *   vivid      whole V4L2 devices without hardware: formats, controls, moving pictures; `n_devs=N` of them
 *   uvcvideo   USB cameras, and `vhci-hcd`, the port that a program can plug them into
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { fetchKernel, hasKernel, kernelFolder, readModules, whyNoKernel } from './setup/kernel.mjs';
import { cacheFolder, onPath } from './setup/programs.mjs';
import { SetupError } from './setup/report.mjs';

const programs = { 'qemu-system-x86_64': 'qemu-system-x86', busybox: 'busybox-static', depmod: 'kmod', cpio: 'cpio' };
const applets = ['sh', 'mount', 'mkdir', 'insmod', 'cp', 'switch_root'];
const timedOut = 124;

async function main() {
  const { values, positionals } = parseArgs({
    options: {
      timeout: { type: 'string', default: '300' },
      memory: { type: 'string', default: '3072' },
      console: { type: 'string' },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    const [, text = ''] = /\/\*\*\n([\s\S]*?)\*\//.exec(readFileSync(new URL(import.meta.url), 'utf8')) ?? [];
    process.stdout.write(text.replace(/^ \* ?/gm, ''));
    return 0;
  }
  const why = whyNot();
  if (why !== undefined) throw new SetupError(why);
  if (values.check) return 0;
  if (positionals.length === 0) throw new SetupError('Name a command to run (--help tells more).');
  if (!hasKernel(cacheFolder)) await fetchKernel(cacheFolder, (text) => process.stderr.write(`${text}\n`));
  const work = mkdtempSync(join(tmpdir(), 'v4l2-vm-'));
  try {
    return await runMachine(work, positionals, values);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function whyNot() {
  const missing = Object.keys(programs).filter((program) => !onPath(program));
  if (missing.length > 0)
    return `${missing.join(', ')} missing; run: sudo apt-get install -y ${missing.map((program) => programs[program]).join(' ')}`;
  return hasKernel(cacheFolder) ? undefined : whyNoKernel();
}

/** Three serial lines: the kernel's own words, the output of the command, and its exit code. */
async function runMachine(work, command, { timeout, memory, console: consoleFile }) {
  const log = consoleFile ?? join(work, 'console');
  const statusFile = join(work, 'status');
  const image = join(work, 'image');
  await writeImage(join(work, 'files'), image, command);
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-smp', '2', '-m', memory],
      // Software emulation everywhere: KVM inside the virtual machines of clouds is often there and does not work.
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max'],
      ...['-kernel', join(kernelFolder(cacheFolder), 'vmlinuz'), '-initrd', image, '-append', 'console=ttyS0 quiet panic=-1'],
      ...['-serial', `file:${log}`, '-chardev', 'stdio,id=out,signal=off', '-serial', 'chardev:out', '-serial', `file:${statusFile}`],
      ...['-fsdev', 'local,id=files,path=/,security_model=none,readonly=on,multidevs=remap', '-device', 'virtio-9p-pci,fsdev=files,mount_tag=files'],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const stop = () => qemu.kill('SIGKILL');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  const timer = setTimeout(stop, Number(timeout) * 1000);
  await once(qemu, 'close');
  clearTimeout(timer);
  const status = /^\d+/.exec(existsSync(statusFile) ? readFileSync(statusFile, 'latin1') : '')?.[0];
  if (status !== undefined) return Number(status);
  const tail = existsSync(log) ? readFileSync(log, 'latin1').trimEnd().split('\n').slice(-15).join('\n') : '';
  process.stderr.write(`The command did not end within ${timeout} s. Last words of the machine:\n${tail}\n`);
  return timedOut;
}

/** What the kernel unpacks into memory and starts from. */
async function writeImage(files, image, command) {
  const { start, cameras } = readModules(cacheFolder);
  for (const folder of ['bin', 'proc', 'sys', 'dev', 'modules', 'below', 'above', 'root']) mkdirSync(join(files, folder), { recursive: true });
  copyFileSync(findOnPath('busybox'), join(files, 'bin/busybox'));
  for (const applet of applets) symlinkSync('busybox', join(files, 'bin', applet));
  for (const file of [...start, ...Object.values(cameras).flat(), 'modules.json'])
    copyFileSync(join(kernelFolder(cacheFolder), file), join(files, 'modules', file));
  writeFileSync(join(files, 'modules/job'), jobScript(command), { mode: 0o755 });
  writeFileSync(join(files, 'init'), initScript(start), { mode: 0o755 });
  const archive = `${image}.cpio`;
  const names = spawn('find', ['.'], { cwd: files, stdio: ['ignore', 'pipe', 'inherit'] });
  const cpio = spawn('cpio', ['--quiet', '-o', '-H', 'newc', '-F', archive], { cwd: files, stdio: ['pipe', 'inherit', 'inherit'] });
  const [code] = await Promise.all([once(cpio, 'close').then(([exit]) => exit), pipeline(names.stdout, cpio.stdin)]);
  if (code !== 0) throw new SetupError('cpio could not write the image of the machine');
  await pipeline(createReadStream(archive), createGzip({ level: 1 }), createWriteStream(image));
}

/** Puts a layer in memory over the files of the host, and goes there. */
function initScript(modules) {
  return `#!/bin/sh
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
${modules.map((file) => `insmod /modules/${file}`).join('\n')}
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=1048576,cache=loose files /below
mount -t tmpfs -o size=75% none /above
mkdir /above/files /above/work
mount -t overlay -o lowerdir=/below,upperdir=/above/files,workdir=/above/work none /root
mount -t tmpfs none /root/run
mkdir /root/run/v4l2-vm
cp /modules/* /root/run/v4l2-vm/
for folder in proc sys dev; do mount --move /$folder /root/$folder; done
exec switch_root /root /bin/sh /run/v4l2-vm/job
`;
}

/**
 * Makes the machine one that programs feel at home in, runs the command, tells its exit code and turns the machine off.
 * `/tmp` stays what it is on the host (written to in memory): the checkout may lie there.
 */
function jobScript(command) {
  const environment = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '/root',
    LANG: 'C.UTF-8',
    V4L2_VM: '1',
    TMPDIR: '/run/tmp',
    ...passedOn(),
  };
  return `#!/bin/sh
${Object.entries(environment)
  .map(([name, value]) => `export ${name}=${quote(value)}`)
  .join('\n')}
mkdir -p -m 1777 /run/tmp
mkdir -p /dev/pts /dev/shm
mount -t devpts none /dev/pts
mount -t tmpfs none /dev/shm
ln -sf /proc/self/fd /dev/fd
busybox ifconfig lo 127.0.0.1 up
busybox stty -F /dev/ttyS1 raw -echo
cd ${quote(process.cwd())}
(exec ${command.map(quote).join(' ')}) < /dev/null > /dev/ttyS1 2>&1
echo $? > /dev/ttyS2
busybox sync
echo o > /proc/sysrq-trigger
while :; do :; done
`;
}

/** What the command may be told from outside. */
function passedOn() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('WEIR_')));
}

function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function findOnPath(name) {
  const folder = (process.env.PATH ?? '').split(':').find((one) => existsSync(join(one, name)));
  return join(folder ?? '/bin', name);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exitCode = 3;
}
