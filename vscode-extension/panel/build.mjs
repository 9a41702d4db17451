// Bundles the bounds panel into two files, which are committed: the Python package carries them for `torchlean report`,
// and nobody who installs that has Node.js. `node panel/build.mjs --check` fails where they are not what the sources give;
// so does a test in Python, by the digest of the sources in their first line.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const extension = path.dirname(here);
const bundle = path.join(extension, '../kernel/torchlean/command/bundle');

/** What stands in a bundle that is made from the sources as they are. */
function digest() {
  const hash = createHash('sha256');
  const { devDependencies } = JSON.parse(fs.readFileSync(path.join(extension, 'package.json'), 'utf8'));
  for (const name of ['@dagrejs/dagre', 'esbuild']) hash.update(`${name} ${devDependencies[name]}\n`);
  const sources = fs.readdirSync(here).filter((name) => /\.(ts|css)$/.test(name));
  for (const name of sources.sort()) hash.update(`${name}\n`).update(fs.readFileSync(path.join(here, name)));
  return hash.digest('hex');
}

/** The files by name. */
async function made() {
  const license = fs.readFileSync(path.join(extension, 'node_modules/@dagrejs/dagre/LICENSE'), 'utf8').trim();
  const from = `Made from vscode-extension/panel (${digest()}) by its build.mjs`;
  const { outputFiles } = await build({
    bundle: true,
    minify: true,
    write: false,
    // The browser in the oldest VS Code in `engines`.
    target: 'chrome122',
    format: 'iife',
    charset: 'utf8',
    legalComments: 'none',
    entryPoints: { panel: path.join(here, 'main.ts'), style: path.join(here, 'panel.css') },
    outdir: bundle,
    logLevel: 'warning',
  });
  const banners = { '.js': `/* ${from}\n\nContains dagre:\n\n${license}\n*/\n`, '.css': `/* ${from} */\n` };
  return new Map(
    outputFiles.map((file) => {
      const kind = path.extname(file.path);
      return [`panel${kind}`, banners[kind] + file.text];
    }),
  );
}

/** Makes the bundle, and copies it for the extension. */
export async function buildPanel() {
  for (const [name, text] of await made()) {
    for (const folder of [bundle, path.join(extension, 'dist')]) {
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(folder, name), text);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--check')) await buildPanel();
  else {
    for (const [name, text] of await made()) {
      const file = path.join(bundle, name);
      if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) {
        console.error(
          `${path.relative(process.cwd(), file)} is not what its sources give: run "npm run build"`,
        );
        process.exitCode = 1;
      }
    }
  }
}
