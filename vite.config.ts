import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { defineConfig, type Plugin, runnerImport } from 'vite';

const outDir = join(import.meta.dirname, 'dist/ui');

/**
 * Method and path of each route as plain data, read from the contracts at build time: the first page then needs
 * no schema library, and there is still one table only.
 */
function routeTable(): Plugin {
  const id = 'virtual:weir-routes';
  return {
    name: 'weir:routes',
    resolveId: (source) => (source === id ? `\0${id}` : null),
    async load(source) {
      if (source !== `\0${id}`) return null;
      const file = join(import.meta.dirname, 'src/contracts/routes.ts');
      const { module } = await runnerImport<{ routes: Record<string, { method: string; path: string }> }>(file, { configFile: false });
      const rows = Object.entries(module.routes).map(([name, { method, path }]) => [name, [method, path]]);
      return `export const routeTable = ${JSON.stringify(Object.fromEntries(rows))};`;
    },
  };
}

const compressible = /\.(?:js|css|html|svg|json|webmanifest)$/;

/** Writes `.br` and `.gz` beside each text file, so that the hub never compresses while serving. */
function precompress(): Plugin {
  return {
    name: 'weir:precompress',
    apply: 'build',
    async closeBundle() {
      const entries = await readdir(outDir, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && compressible.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
      await Promise.all(files.map(compress));
    },
  };
}

async function compress(file: string): Promise<void> {
  const bytes = await readFile(file);
  const brotli = await promisify(brotliCompress)(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  await writeFile(`${file}.br`, brotli);
  await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }));
}

export default defineConfig({
  root: join(import.meta.dirname, 'src/ui'),
  base: '/',
  publicDir: 'public',
  plugins: [routeTable(), precompress()],
  // Browsers sign in to the bus by name and password; the signing code of the client would be a quarter of its weight.
  resolve: { alias: { '@nats-io/nkeys': join(import.meta.dirname, 'src/ui/core/no-nkeys.ts') } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir,
    emptyOutDir: true,
    target: ['chrome123', 'firefox128', 'safari17.5'],
    cssTarget: ['chrome123', 'firefox128', 'safari17.5'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // The player of HLS is one piece of code and fetched only with the first video.
    chunkSizeWarningLimit: 700,
    // A contract file only declares: what nobody reads of it needs not be sent.
    rolldownOptions: { treeshake: { moduleSideEffects: [{ test: /\/src\/contracts\//, sideEffects: false }] } },
  },
});
