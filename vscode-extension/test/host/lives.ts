/** The server's life: missing, wrong, dying, found elsewhere. */

import assert from 'node:assert/strict';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { TRIES } from '../../src/server/restarts.ts';
import { configure, extension, file, idle, phase, problems, shown, until } from './support.ts';

function fake(name: string): string {
  const root = vscode.extensions.getExtension('torchlean.torchlean')?.extensionPath;
  return path.join(root ?? '', 'test/host/servers', name);
}

export const tests: Record<string, () => Promise<void>> = {
  async 'a program that is set and missing is named, and nothing else is started'() {
    await configure('server.path', '/nowhere/torchlean');
    assert.match((await phase('failed')).reason, /\/nowhere\/torchlean, which is no program/);
  },

  async 'a server of an older version is declined with what is needed'() {
    await configure('server.path', fake('old'));
    await until('the reason', async () =>
      /0\.0\.1.*needs/.test((await phase('failed')).reason) ? true : undefined,
    );
  },

  async 'a server that dies in a loop is given up after five tries'() {
    const api = await extension();
    const tries = new Set<number>();
    const listener = api.onPhase((now) => {
      if (now.kind === 'restarting') tries.add(now.number);
    });
    await configure('server.path', fake('dying'));
    await until('the reason', async () =>
      /times in three minutes/.test((await phase('failed')).reason) ? true : undefined,
    );
    listener.dispose();
    assert.deepEqual([...tries], [1, 2, 3, 4, 5].slice(0, TRIES));
  },

  async 'where there is no server, installing is offered'() {
    await configure('server.path', '');
    await phase('absent');
    const commands = await vscode.commands.getCommands(true);
    assert.ok(commands.includes('torchlean.installServer'));
  },

  async 'one click installs the server that came with the extension into an environment of its own'() {
    await vscode.commands.executeCommand('torchlean.installServer');
    await idle();
    assert.equal((await extension()).origin(), 'the environment made by this extension');
    const { uri } = await shown(file('controller.py'));
    await until('a refuted claim', () => problems(uri, /^TL301$/)[0]);
  },

  async 'the Python that the Python extension selects is used, as soon as it is selected'() {
    const python = vscode.extensions.getExtension<{ select: (file: string) => void }>('ms-python.python');
    assert.ok(python, 'the stand-in is there');
    const { select } = await python.activate();
    select(process.env.TORCHLEAN_TEST_PYTHON ?? '');
    await idle();
    assert.match((await extension()).origin() ?? '', /selected Python environment/);
  },

  async 'a server that is stopped by a person stays stopped until it is started'() {
    await vscode.commands.executeCommand('torchlean.stopServer');
    await phase('off');
    await vscode.commands.executeCommand('torchlean.restartServer');
    await idle();
  },
};
