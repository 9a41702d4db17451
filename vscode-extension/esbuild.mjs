// Bundles the extension for the extension host, which loads CommonJS; with `--tests`, its tests for that host too.
import { build } from 'esbuild';
import { buildPanel } from './panel/build.mjs';

const host = {
  bundle: true,
  platform: 'node',
  // The Node.js of the oldest VS Code in `engines`.
  target: 'node20',
  format: 'cjs',
  external: ['vscode'],
  // vscode-languageclient offers a build for browsers first.
  conditions: ['node'],
  logLevel: 'warning',
};

await build({
  ...host,
  entryPoints: { extension: 'src/extension.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  minify: true,
  sourcemap: true,
});

await buildPanel();

if (process.argv.includes('--tests')) {
  await build({
    ...host,
    entryPoints: { tests: 'test/host/index.ts' },
    outdir: 'dist-tests',
    outExtension: { '.js': '.cjs' },
  });
}
