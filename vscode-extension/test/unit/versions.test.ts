import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OLDEST, objection } from '../../src/server/versions.ts';

test('the version that this repository builds is good enough', () => {
  const project = readFileSync(new URL('../../../pyproject.toml', import.meta.url), 'utf8');
  const version = /^version = "(.*)"$/m.exec(project)?.[1];
  assert.ok(version);
  assert.equal(objection('torchlean', version), undefined);
});

test('newer servers, candidates and checkouts are good enough', () => {
  for (const version of [OLDEST, '0.1.1', '0.10', '1.0.0rc1', '0']) {
    assert.equal(objection('torchlean', version), undefined, version);
  }
});

test('an older server is named with what is needed', () => {
  assert.match(objection('torchlean', '0.0.9') ?? '', /0\.0\.9.*needs 0\.1\.0/);
  assert.match(objection('torchlean', undefined) ?? '', /unknown/);
});

test('another server is no TorchLean', () => {
  assert.match(objection('pylsp', '9.0.0') ?? '', /calls itself pylsp/);
});
