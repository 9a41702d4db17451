import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Property {
  default: unknown;
  description?: string;
  markdownDescription?: string;
}

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  contributes: {
    commands: { command: string; title: string; category: string }[];
    configuration: { properties: Record<string, Property> };
  };
};
const properties = manifest.contributes.configuration.properties;

test('the settings are those that the server documents, with its defaults', () => {
  const section = read('../docs/protocol.md').split('\n## Settings\n')[1] ?? '';
  const rows = [...section.matchAll(/^\| `([^`]+)` \| (?:`([^`]*)`)? *\|/gm)];
  const documented = new Map(
    rows.map(([, name, value]) => [`torchlean.${name ?? ''}`, JSON.parse(value ?? '""') as unknown]),
  );
  assert.ok(documented.size >= 7);
  const offered = Object.entries(properties).filter(([name]) => !name.startsWith('torchlean.server.'));
  assert.deepEqual(new Map(offered.map(([name, { default: value }]) => [name, value])), documented);
});

test('every setting says what it does', () => {
  for (const [name, { description, markdownDescription }] of Object.entries(properties)) {
    assert.match(description ?? markdownDescription ?? '', /\.$/, name);
  }
});

test('every command that is offered is registered, by the extension or by the server', () => {
  const sources = ['src/extension.ts', 'src/claims/commands.ts', '../docs/protocol.md'].map(read).join('\n');
  for (const { command, category } of manifest.contributes.commands) {
    assert.equal(category, 'TorchLean');
    assert.ok(sources.includes(command), command);
  }
});
