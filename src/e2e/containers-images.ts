/** The images under test: a Debian with the Node.js of this machine as their base, since none is fetched from a registry. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { findProgram } from '../supervisor/index.js';
import { DockerEngine, runTool } from './docker-engine.js';

export const baseImage = 'weir-test-base';

/** Stages of the Dockerfile that depend on packages only, never on our sources; their order is that of the file. */
const keptStages = ['packages', 'production', 'runtime'];
const keptImages = [baseImage, ...keptStages.map(imageOf)];
const weekMs = 7 * 86_400_000;
const dayMs = 86_400_000;

/** Where engines of the test keep images: what set-up calls its cache folder. */
export const imageFolder = join(process.env.WEIR_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'weir'), 'containers');

/** An engine that has the base and the stages made of packages, so that a build of ours is quick. */
export interface PreparedEngine {
  readonly engine: DockerEngine;
  /** How long each step took, for whoever wonders. */
  readonly took: string;
  /** Ends the engine. What it had to fetch is kept for the next run, until the week is over. */
  stop(): Promise<void>;
}

/** Takes up the images that an earlier run of this week has kept, and makes what is missing. */
export async function prepareEngine(): Promise<PreparedEngine> {
  const took: string[] = [];
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work();
    took.push(`${what} ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    return result;
  };
  removeOld();
  const kept = join(imageFolder, await keyOfWeek());
  const stampFile = `${kept}.stamp`;
  const run = mkdtempSync(join(imageFolder, 'run-'));
  const dataFolder = join(run, 'data');
  mkdirSync(dataFolder);
  if (existsSync(stampFile)) await timed('copy', () => copyEngine(kept, dataFolder));
  const engine = await timed('engine', () => DockerEngine.start(dataFolder));
  const stop = async () => {
    const stamp = await idsOfKept(engine);
    const isNew = !existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp;
    if (isNew) await removeOtherImages(engine);
    await engine.stop();
    if (isNew) {
      rmSync(stampFile, { force: true });
      rmSync(kept, { recursive: true, force: true });
      renameSync(dataFolder, kept);
      writeFileSync(stampFile, stamp);
    }
    rmSync(run, { recursive: true, force: true });
  };
  try {
    if ((await engine.docker('images', '-q', baseImage)) === '') await timed('base', () => makeBase(engine, run));
    for (const stage of keptStages) await timed(stage, () => buildStage(engine, stage));
    return { engine, took: took.join(', '), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function imageOf(stage: string): string {
  return `weir-test-${stage}`;
}

/** Debian's packages move on, and so shall what we test with. */
async function keyOfWeek(): Promise<string> {
  const parts = [process.version, process.arch, (await runTool('dockerd', ['--version'])).stdout, Math.floor(Date.now() / weekMs)];
  return createHash('sha256').update(parts.join('|')).digest('hex').slice(0, 16);
}

/** What earlier weeks and killed runs have left. */
function removeOld(): void {
  for (const name of readdirSync(imageFolder)) {
    const path = join(imageFolder, name);
    const ageMs = Date.now() - statSync(path).mtimeMs;
    if (ageMs > (name.startsWith('run-') ? dayMs : 2 * weekMs)) rmSync(path, { recursive: true, force: true });
  }
}

/** Whatever becomes of this run, the next one starts from what was whole. Files of layers never change, so they are linked. */
async function copyEngine(from: string, to: string): Promise<void> {
  for (const name of readdirSync(from)) await runTool('cp', [name === 'overlay2' ? '-al' : '-a', join(from, name), to], { deadlineMs: 120_000 });
}

async function idsOfKept(engine: DockerEngine): Promise<string> {
  return (await Promise.all(keptImages.map((image) => engine.docker('images', '-q', '--no-trunc', image)))).join('\n');
}

async function removeOtherImages(engine: DockerEngine): Promise<void> {
  const all = (await engine.docker('images', '--format', '{{.Repository}}')).split('\n');
  const others = all.filter((name) => name !== '<none>' && name !== '' && !keptImages.includes(name));
  if (others.length > 0) await engine.docker('rmi', '-f', ...others);
  await engine.docker('image', 'prune', '-f');
}

/** On the network of this machine, since the engine has none that leads out. */
async function buildStage(engine: DockerEngine, stage: string): Promise<void> {
  const args = ['build', '--network', 'host', '--build-arg', `BASE=${baseImage}`, '-f', 'deploy/Dockerfile', '--target', stage, '-t', imageOf(stage)];
  await engine.run('docker', [...args, '.'], { deadlineMs: 540_000 });
}

async function makeBase(engine: DockerEngine, run: string): Promise<void> {
  const root = join(run, 'root');
  const { codename, mirror } = await distribution();
  await runTool('debootstrap', ['--variant=minbase', '--include=ca-certificates', codename, root, mirror], { deadlineMs: 300_000 });
  for (const path of ['var/cache/apt/archives', 'var/lib/apt/lists']) rmSync(join(root, path), { recursive: true, force: true });
  mkdirSync(join(root, 'var/cache/apt/archives/partial'), { recursive: true });
  // As the usual base images have it: no documents, and no wait for the disk after each file.
  const lean = ['force-unsafe-io', ...['doc', 'man', 'locale'].map((name) => `path-exclude=/usr/share/${name}/*`)];
  writeFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/lean'), `${lean.join('\n')}\n`);
  for (const name of ['doc', 'man', 'locale']) rmSync(join(root, 'usr/share', name), { recursive: true, force: true });
  await addNode(root);
  await addPrebuilt(root);
  await engine.run('sh', ['-c', `tar -C '${root}' -c . | docker import - ${baseImage}`], { deadlineMs: 120_000 });
  rmSync(root, { recursive: true, force: true });
}

/** That of this machine, from the mirror it uses itself: programs copied from here run there. */
async function distribution(): Promise<{ codename: string; mirror: string }> {
  const codename = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  const { stdout } = await runTool('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages']);
  const mirror = stdout
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, release, component]) => release === codename && component === 'main')?.[0];
  if (mirror === undefined) throw new Error(`apt knows no mirror of ${codename}`);
  return { codename, mirror };
}

/** Node.js and npm, and how npm reaches its registry from here. */
async function addNode(root: string): Promise<void> {
  const local = join(root, 'usr/local');
  const npm = dirname(dirname(realpathSync(findProgram('npm'))));
  mkdirSync(join(local, 'lib/node_modules'), { recursive: true });
  mkdirSync(join(local, 'etc'), { recursive: true });
  await runTool('cp', ['-L', process.execPath, join(local, 'bin/node')]);
  await runTool('cp', ['-a', npm, join(local, 'lib/node_modules/npm')]);
  await runTool('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm')]);
  const settings = await Promise.all(['registry', 'cafile'].map(async (name) => [name, await npmSetting(name)] as const));
  const known = settings.filter(([, value]) => value !== '' && value !== 'null');
  writeFileSync(join(local, 'etc/npmrc'), known.map(([name, value]) => `${name}=${value}\n`).join(''));
  const cafile = known.find(([name]) => name === 'cafile')?.[1];
  if (cafile === undefined || !existsSync(cafile)) return;
  mkdirSync(join(root, dirname(cafile)), { recursive: true });
  await runTool('cp', ['-L', cafile, join(root, cafile)]);
}

async function npmSetting(name: string): Promise<string> {
  return (await runTool('npm', ['config', 'get', name])).stdout.trim();
}

/** What the package's own download would bring: its binary, made for this Node.js. Elsewhere npm fetches it, which a closed network may not allow. */
async function addPrebuilt(root: string): Promise<void> {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('better-sqlite3/package.json'));
  const pkg: unknown = require('better-sqlite3/package.json');
  const { cachedPrebuild, getDownloadUrl } = require('prebuild-install/util.js') as PrebuildNames;
  const readSettings = require('prebuild-install/rc.js') as (pkg: unknown) => object;
  const file = basename(cachedPrebuild(getDownloadUrl({ ...readSettings(pkg), pkg })));
  const cache = join(root, 'root/.npm/_prebuilds');
  mkdirSync(cache, { recursive: true });
  await runTool('tar', ['-C', folder, '-czf', join(cache, file), 'build/Release/better_sqlite3.node']);
}

interface PrebuildNames {
  cachedPrebuild(url: string): string;
  getDownloadUrl(options: object): string;
}
