import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requirement } from '../../src/server/requirement.ts';

const FILES = ['extension.cjs', 'torchlean-0.1.0-py3-none-any.whl', 'torchlean.vsix'];

test('without a setting the server that came with the extension is installed', () => {
  assert.deepEqual(requirement(' ', FILES), { wheel: 'torchlean-0.1.0-py3-none-any.whl' });
});

test('what is set comes first', () => {
  assert.deepEqual(requirement(' /a/checkout ', FILES), { setting: '/a/checkout' });
});

test('where nothing is set and nothing came along, no name is made up for pip to look up', () => {
  assert.equal(requirement('', ['extension.cjs', 'other-1.0-py3-none-any.whl']), undefined);
});
