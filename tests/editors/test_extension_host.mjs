// Runs vscode-extension/test/host inside the extension host, with the real interface of VS Code and no Electron.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { artefacts, root, withWorkbench } from './workbench.mjs';

const extension = path.join(root, 'vscode-extension');
const asked = ['-c', "import sys, sysconfig; print(sysconfig.get_path('purelib'), sys.base_prefix, sep='\\n')"];
const [packages, python] = spawnSync(path.join(root, '.venv/bin/python'), asked, { encoding: 'utf8' }).stdout.split('\n');
const files = ['examples/pendulum/controller.py', 'examples/pendulum/controller.safetensors'];

test('the tests inside the extension host pass', { timeout: 900_000 }, () =>
  withWorkbench(
    {
      name: 'extension-host',
      files,
      payload: [
        ['extensionDevelopmentPath', `remote:${extension}`],
        ['extensionTestsPath', `remote:${extension}/dist-tests/tests.cjs`],
      ],
      extensions: [path.join(root, 'tests/editors/python-extension')],
      environment: {
        TORCHLEAN_TEST_PYTHON: path.join(root, '.venv/bin/python'),
        // What the server depends on is taken from the environment of this checkout, so that nothing is fetched when the
        // server is installed from its wheel. The checkout itself is not there: it is installed by a `.pth` file.
        PIP_NO_DEPS: '1',
        PIP_NO_INDEX: '1',
        PYTHONPATH: packages,
        PATH: `${path.join(python, 'bin')}:${process.env.PATH}`,
      },
    },
    async ({ page, open }) => {
      const ended = new Promise((resolve) => page.exposeFunction('codeAutomationExit', resolve));
      // The workbench's own console comes this way too.
      const written = fs.createWriteStream(path.join(artefacts, 'extension-host-console.log'));
      await page.exposeFunction('codeAutomationLog', (kind, words) => {
        const line = words.join(' ');
        written.write(`${line}\n`);
        if (/^(ok|failed): |tests ran/.test(line)) console.log(line);
      });
      await open();
      assert.equal(await ended, 0);
    },
  ),
);
