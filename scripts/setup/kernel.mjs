/** A kernel with the drivers of virtual and USB cameras, for the machine that `scripts/v4l2-vm.mjs` starts. Fetched once into the cache folder. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SetupError } from './report.mjs';
import { firstLine, run } from './run.mjs';

/** Loaded while the machine starts, in this order; each comes after what it needs. */
const startModules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay'];
/** Loaded by whoever wants cameras: a virtual one, and USB cameras over a virtual cable. */
const cameraModules = ['vivid', 'uvcvideo', 'vhci-hcd'];

/** Where the kernel of this cache folder is, once it was fetched. */
export function kernelFolder(cacheFolder) {
  return join(cacheFolder, 'v4l2-vm', 'kernel');
}

/** True when the kernel and its modules are there as a whole. */
export function hasKernel(cacheFolder) {
  return existsSync(join(kernelFolder(cacheFolder), 'modules.json'));
}

/** The modules to load: `start` a list of files, `cameras` by name a list of files each, all in the order of loading. */
export function readModules(cacheFolder) {
  return JSON.parse(readFileSync(join(kernelFolder(cacheFolder), 'modules.json'), 'utf8'));
}

/** Why no kernel can be had on this machine, or undefined. The machine shares our files, so its processor must be of our kind. */
export function whyNoKernel() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the test machine with cameras is made for Linux on x86-64';
  if (firstLine('apt-cache', ['--version']) === undefined) return 'the kernel comes from Debian’s packages, and there is no apt-get here';
  return undefined;
}

/** Fetches the kernel package and keeps of it what is needed. Fails with a SetupError that names the step. */
export async function fetchKernel(cacheFolder, note) {
  const why = whyNoKernel();
  if (why !== undefined) throw new SetupError(why);
  const depends = await run('apt-cache', ['depends', 'linux-image-amd64']);
  const [, name] = /Depends:\s*(linux-image-\S+)/.exec(depends) ?? [];
  if (name === undefined) throw new SetupError('apt knows no kernel package linux-image-amd64');
  note(`fetching ${name} for the test with real cameras`);
  const folder = join(cacheFolder, 'v4l2-vm');
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, 'fetch-'));
  try {
    // apt-get fetches as a user of its own where it can, and only warns where it cannot.
    await run('apt-get', ['download', '-q', name], { cwd: work });
    const archive = readdirSync(work).find((file) => file.endsWith('.deb'));
    if (archive === undefined) throw new SetupError(`apt-get download ${name} brought nothing`);
    await run('dpkg-deb', ['-x', join(work, archive), join(work, 'root')]);
    await pick(join(work, 'root'), join(work, 'picked'));
    rmSync(kernelFolder(cacheFolder), { recursive: true, force: true });
    renameSync(join(work, 'picked'), kernelFolder(cacheFolder));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Of some 400 MB these few are wanted; the list of modules is written last. */
async function pick(root, target) {
  mkdirSync(target);
  const [version] = readdirSync(join(root, 'lib/modules'));
  if (version === undefined) throw new SetupError('the kernel package holds no modules');
  copyFileSync(join(root, 'boot', `vmlinuz-${version}`), join(target, 'vmlinuz'));
  await run('depmod', ['-b', root, version]);
  const filesOf = async (module) => {
    const steps = await run('modprobe', ['-d', root, '-S', version, '--show-depends', module]);
    const files = [...steps.matchAll(/^insmod (\S+)/gm)].map(([, file]) => file);
    for (const file of files) copyFileSync(file, join(target, basename(file)));
    return files.map((file) => basename(file));
  };
  const start = [];
  for (const module of startModules) for (const file of await filesOf(module)) if (!start.includes(file)) start.push(file);
  const cameras = {};
  for (const module of cameraModules) cameras[module] = (await filesOf(module)).filter((file) => !start.includes(file));
  writeFileSync(join(target, 'modules.json'), JSON.stringify({ version, start, cameras }, undefined, 2));
}
