// A folder that nobody trusts yet: it brings programs along, and settings that name them. None may be started.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { person } from './person.mjs';
import { artefacts, root, torchlean, until, vsix, withWorkbench } from './workbench.mjs';

const files = ['examples/pendulum/controller.py', 'examples/pendulum/controller.safetensors'];

test('without trust files are analysed and nothing of the folder is started; with trust its server is', { timeout: 600_000 }, async (t) => {
  const traces = fs.mkdtempSync(path.join(os.tmpdir(), 'torchlean-traces-'));
  t.after(() => fs.rmSync(traces, { recursive: true }));
  /** A program that leaves a trace, and then is the server. */
  const program = (name, file) => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, `#!/bin/sh\ntouch ${path.join(traces, name)}\nexec ${torchlean} "$@"\n`, { mode: 0o755 });
  };
  const prepare = (folder) => {
    program('environment', path.join(folder, '.venv/bin/torchlean'));
    program('python', path.join(folder, '.venv/bin/python'));
    program('lean', path.join(folder, 'lean'));
    fs.mkdirSync(path.join(folder, '.vscode'));
    const settings = { 'torchlean.lean.path': path.join(folder, 'lean'), 'torchlean.server.package': folder };
    fs.writeFileSync(path.join(folder, '.vscode/settings.json'), JSON.stringify(settings));
    // It asks for being run, and would leave a trace.
    fs.writeFileSync(path.join(folder, 'torchlean.toml'), 'capture = "export"\n');
    fs.appendFileSync(path.join(folder, 'controller.py'), `\nopen(${JSON.stringify(path.join(traces, 'code'))}, 'w')\n`);
    // Python reads files of this name from the current folder before it reads torch.
    fs.writeFileSync(path.join(folder, 'torch.py'), `open(${JSON.stringify(path.join(traces, 'module'))}, 'w')\n`);
  };
  const environment = { PATH: `${path.join(root, '.venv/bin')}:${process.env.PATH}` };
  const settings = { 'torchlean.server.path': '' };
  const world = { name: 'trust', files, vsix, prepare, environment, settings, trust: false };
  await withWorkbench(world, async ({ page, open }) => {
    const { openFile, checked, command, goToLine } = person(page);
    await open();
    await page.getByText('Restricted Mode', { exact: true }).first().waitFor();
    await openFile('controller.py', 'class Controller');
    await checked();
    await goToLine(52);
    await page.locator('.squiggly-error').first().waitFor({ state: 'attached' });
    await page.locator('.codelens-decoration', { hasText: 'proved (engine)' }).first().waitFor({ state: 'attached' });
    await command('TorchLean: Install or Update the Server');
    await page.getByText('packages are installed in trusted workspaces only').first().waitFor();
    await page.screenshot({ path: path.join(artefacts, 'untrusted.png') });
    assert.deepEqual(fs.readdirSync(traces), []);

    await command('Workspaces: Manage Workspace Trust');
    await page.locator('.workspace-trust-editor').getByText('Trust', { exact: true }).first().click();
    await until('the server of the folder', () => fs.existsSync(path.join(traces, 'environment')));
  });
});
