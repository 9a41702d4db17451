// The real workbench of VS Code, served by code-server's VS Code to a headless Chromium. Nothing outside a temporary folder
// is read or written: home, settings, extensions and workspace are all fresh.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, '../..');
const vscodeServer = path.join(here, 'node_modules/code-server/lib/vscode/out/server-main.js');

/** Seconds. A machine that is busy with other work takes a minute for what else takes two seconds. */
const PATIENCE = 120;

/** Where screenshots and logs are kept. */
export const artefacts = path.join(here, 'artefacts');

/** A built workbench asks for networks, news and assistants; tests want none of them. */
const QUIET = {
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'workbench.enableExperiments': false,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'editor.minimap.enabled': false,
  'editor.hover.delay': 100,
  'files.autoSave': 'off',
};

/** The extension, packaged. */
export const vsix = path.join(root, 'vscode-extension/dist/torchlean.vsix');

/** The server of this checkout. */
export const torchlean = path.join(root, '.venv/bin/torchlean');

function browserProgram() {
  const names = process.env.CHROMIUM ? [process.env.CHROMIUM] : ['chromium', 'chromium-browser', 'google-chrome'];
  for (const name of names) {
    const found = spawnSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).stdout.trim();
    if (found) return found;
  }
  throw new Error('no Chromium: install one, or name it in the variable CHROMIUM');
}

/** A headless Chromium that asks for nothing by itself. */
export function launch() {
  return chromium.launch({
    executablePath: browserProgram(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

function freePort() {
  return new Promise((resolve) => {
    const listener = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
  });
}

export async function until(what, condition, seconds = PATIENCE) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Opens the workbench on a copy of `files` (paths inside the repository, copied flat), runs `use`, and ends everything.
 *
 * @param {object} options
 * @param {string[]} options.files
 * @param {string} options.name of the log and of the screenshot taken when `use` fails
 * @param {string} [options.vsix] an extension to install
 * @param {string[]} [options.extensions] folders of further extensions
 * @param {string[][]} [options.payload] what the workbench is told in its URL; paths in it begin with `remote:`
 * @param {object} [options.settings] of the machine
 * @param {object} [options.user] settings of the person
 * @param {object} [options.environment] variables of the workbench
 * @param {(folder: string) => void} [options.prepare] puts more into the workspace
 * @param {boolean} [options.trust] whether the workspace is trusted without asking
 * @param {(world: {page: import('playwright-core').Page, folder: string, pid: number, outside: Set<string>, open: (window?: import('playwright-core').Page) => Promise<void>}) => Promise<T>} use
 * @template T
 * @returns {Promise<T>}
 */
export async function withWorkbench(options, use) {
  const { files, name, vsix, extensions = [], payload = [], settings = {}, user = {}, environment = {}, prepare, trust = true } = options;
  fs.mkdirSync(artefacts, { recursive: true });
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'torchlean-editors-'));
  const folder = path.join(home, 'workspace');
  fs.mkdirSync(folder);
  for (const file of files) fs.copyFileSync(path.join(root, file), path.join(folder, path.basename(file)));
  prepare?.(folder);
  for (const extension of extensions) {
    fs.cpSync(extension, path.join(home, 'extensions', path.basename(extension)), { recursive: true });
  }
  // Which program is started is a setting of the machine; a person's own settings do not count for it in such a window.
  const written = { User: { ...QUIET, ...user }, Machine: { 'torchlean.server.path': torchlean, ...settings } };
  for (const [whose, values] of Object.entries(written)) {
    fs.mkdirSync(path.join(home, 'data', whose), { recursive: true });
    fs.writeFileSync(path.join(home, 'data', whose, 'settings.json'), JSON.stringify(values));
  }
  const folders = ['data', 'extensions'].flatMap((kind) => [
    `--${kind === 'data' ? 'user-data' : kind}-dir`,
    path.join(home, kind),
  ]);
  folders.push('--server-data-dir', path.join(home, 'server'));
  const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: path.join(home, 'config'), ...environment };
  env.VSCODE_CLI = '1'; // else the variables, PATH among them, are those of a login shell
  delete env.VSCODE_IPC_HOOK_CLI; // set in a terminal of VS Code, and means that one
  if (vsix) {
    const command = [vscodeServer, '--accept-server-license-terms', ...folders, '--install-extension', vsix];
    const installed = spawnSync(process.execPath, command, { env, encoding: 'utf8' });
    if (installed.status !== 0) throw new Error(`not installed: ${installed.stdout}${installed.stderr}`);
  }
  const port = await freePort();
  const log = fs.openSync(path.join(artefacts, `${name}.log`), 'w');
  const server = spawn(
    process.execPath,
    [vscodeServer, '--host', '127.0.0.1', '--port', String(port), '--without-connection-token',
      '--accept-server-license-terms', '--disable-telemetry',
      // Without it a built workbench ignores `extensionTestsPath` in the payload.
      '--enable-smoke-test-driver', ...(trust ? ['--disable-workspace-trust'] : []), ...folders],
    // A process group of its own, so that it can be ended with its children.
    { env, stdio: ['ignore', log, log], detached: true },
  );
  const base = `http://127.0.0.1:${port}`;
  let browser;
  let page;
  try {
    await until('the server of the workbench', () => fetch(base).then((r) => r.ok, () => false));
    browser = await launch();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const outside = new Set();
    page.on('request', (request) => {
      const { hostname, protocol } = new URL(request.url());
      if (protocol.startsWith('http') && hostname !== '127.0.0.1') outside.add(hostname);
    });
    const open = async (window = page) => {
      const remote = payload.map(([key, value]) => [
        key,
        value.replace(/^remote:/, `vscode-remote://127.0.0.1:${port}`),
      ]);
      const query = new URLSearchParams({ folder, payload: JSON.stringify(remote) });
      window.setDefaultTimeout(PATIENCE * 1000);
      await window.goto(`${base}/?${query}`);
    };
    return await use({ page, folder, pid: server.pid, outside, open });
  } catch (error) {
    await page?.screenshot({ path: path.join(artefacts, `${name}-failure.png`) }).catch(() => {});
    throw error;
  } finally {
    await browser?.close();
    await end(server);
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function end(server) {
  if (server.exitCode !== null) return;
  const gone = new Promise((resolve) => server.once('exit', resolve));
  process.kill(-server.pid, 'SIGTERM');
  await gone;
}

/** Numbers of the processes that descend from this one and whose command line has this text (Linux). */
export function descendants(pid, text) {
  const parents = new Map();
  const commands = new Map();
  for (const entry of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = fs.readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      commands.set(Number(entry), fs.readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' '));
    } catch {
      // It has ended meanwhile.
    }
  }
  const descends = (child) => child === pid || (parents.has(child) && descends(parents.get(child)));
  return [...commands].filter(([child, line]) => line.includes(text) && descends(child)).map(([child]) => child);
}
