import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Machine, type Places, expanded, locate, programOf } from '../../src/server/locate.ts';

/** A machine with these programs, of which those named `python` have the server. */
function machine({ programs = [] as string[], path = undefined as string | undefined }): Machine {
  return {
    windows: false,
    isProgram: (file) => Promise.resolve(programs.includes(file)),
    hasServer: (python) => Promise.resolve(programs.includes(python)),
    onPath: () => Promise.resolve(path),
  };
}

function places(changes: Partial<Places> = {}): Places {
  const named = { path: '', interpreter: '' };
  return { named, selected: undefined, folders: ['/ws'], trusted: true, own: '/own', ...changes };
}

const EVERYTHING = {
  programs: [
    '/set/torchlean',
    '/set/python',
    '/conda/bin/python',
    '/ws/.venv/bin/torchlean',
    '/own/bin/torchlean',
  ],
  path: '/usr/bin/torchlean',
};

async function command(changes: Partial<Places>, on = EVERYTHING): Promise<string | undefined> {
  const located = await locate(places(changes), machine(on));
  return located.kind === 'found' ? [located.command, ...located.args].join(' ') : located.kind;
}

test('the program that is set comes before everything else', async () => {
  const named = { path: '/set/torchlean', interpreter: '/set/python' };
  assert.equal(await command({ named, selected: '/conda/bin/python' }), '/set/torchlean lsp');
});

test('a place that is set and does not work is an error, and nothing else is tried', async () => {
  const program = await locate(
    places({ named: { path: '/wrong', interpreter: '/set/python' } }),
    machine(EVERYTHING),
  );
  assert.deepEqual(program, {
    kind: 'unusable',
    reason: 'torchlean.server.path is set to /wrong, which is no program',
  });
  assert.equal(await command({ named: { path: '', interpreter: '/wrong' } }), 'unusable');
});

test('the interpreter that is set runs the server as a module', async () => {
  const named = { path: '', interpreter: '/set/python' };
  assert.equal(await command({ named }), '/set/python -m torchlean_server');
});

test('the selected environment comes before the .venv of the workspace', async () => {
  assert.equal(await command({ selected: '/conda/bin/python' }), '/conda/bin/python -m torchlean_server');
  assert.equal(await command({}), '/ws/.venv/bin/torchlean lsp');
});

test('a selected environment without TorchLean is passed over', async () => {
  assert.equal(await command({ selected: '/empty/bin/python' }), '/ws/.venv/bin/torchlean lsp');
});

test('every folder of the workspace is looked at', async () => {
  assert.equal(await command({ folders: ['/first', '/ws'] }), '/ws/.venv/bin/torchlean lsp');
});

test('then come the PATH and the environment of the extension', async () => {
  assert.equal(await command({ folders: [] }), '/usr/bin/torchlean lsp');
  assert.equal(
    await command({ folders: [] }, { programs: ['/own/bin/torchlean'], path: '' }),
    '/own/bin/torchlean lsp',
  );
});

test('where there is none, the answer names every place that was looked at', async () => {
  const located = await locate(places({ selected: '/conda/bin/python' }), machine({}));
  assert.deepEqual(located, {
    kind: 'absent',
    looked: ['the selected Python (/conda/bin/python)', '/ws/.venv/bin/torchlean', 'the PATH'],
  });
});

test('in an untrusted workspace no program of its folders is started', async () => {
  const on = { programs: ['/ws/.venv/bin/torchlean', '/ws/env/bin/python'], path: '/usr/bin/torchlean' };
  assert.equal(
    await command({ trusted: false, selected: '/ws/env/bin/python' }, on),
    '/usr/bin/torchlean lsp',
  );
  assert.equal(
    await command({ trusted: false, selected: '/conda/bin/python' }),
    '/conda/bin/python -m torchlean_server',
  );
});

test('a folder whose name begins like the workspace is not inside it', async () => {
  const on = { programs: ['/ws2/bin/python'], path: '' };
  assert.equal(
    await command({ trusted: false, selected: '/ws2/bin/python' }, on),
    '/ws2/bin/python -m torchlean_server',
  );
});

test('programs have another place on Windows', () => {
  assert.match(programOf('env', 'torchlean', true), /^env.Scripts.torchlean\.exe$/);
});

test('settings may name the home and the workspace', () => {
  assert.equal(expanded('~/env/bin/python', '/home/me', undefined), '/home/me/env/bin/python');
  assert.equal(expanded(' ${workspaceFolder}/t ', '/home/me', '/ws'), '/ws/t');
  assert.equal(expanded('~other/t', '/home/me', '/ws'), '~other/t');
});
