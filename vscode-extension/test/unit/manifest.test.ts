import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
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
    walkthroughs: { steps: { description: string; media: object; completionEvents?: string[] }[] }[];
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
  // A server does not know which folders are trusted, and runs nothing by itself; the extension does (`restricted`).
  assert.equal(documented.get('torchlean.export.enabled'), false);
  documented.set('torchlean.export.enabled', true);
  // Which server is started, and what is drawn beside the text, is the extension's own affair.
  const own = /^torchlean\.(server|gutterMarks)\./;
  const offered = Object.entries(properties).filter(([name]) => !own.test(name));
  assert.deepEqual(new Map(offered.map(([name, { default: value }]) => [name, value])), documented);
});

test('every setting says what it does', () => {
  for (const [name, { description, markdownDescription }] of Object.entries(properties)) {
    assert.match(description ?? markdownDescription ?? '', /\.$/, name);
  }
});

test('every command that is offered is registered, by the extension or by the server', () => {
  const sources = ['src/extension.ts', 'src/start.ts', 'src/claims/commands.ts', '../docs/protocol.md']
    .map(read)
    .join('\n');
  for (const { command, category } of manifest.contributes.commands) {
    assert.equal(category, 'TorchLean');
    assert.ok(sources.includes(command), command);
  }
});

test('the walkthrough leads to commands and shows files that there are', () => {
  const commands = new Set(manifest.contributes.commands.map(({ command }) => command));
  for (const { description, media, completionEvents = [] } of manifest.contributes.walkthroughs[0]?.steps ??
    []) {
    const named = [
      ...description.matchAll(/\(command:([^)]+)\)/g),
      ...completionEvents.join(' ').matchAll(/onCommand:(\S+)/g),
    ];
    for (const [, command = ''] of named) {
      // The view's own command comes with it.
      assert.ok(commands.has(command) || command === 'torchlean.claims.focus', command);
    }
    const files = JSON.stringify(media).match(/(images|walkthrough)\/[^"]+/g) ?? [];
    assert.ok(files.length > 0);
    for (const file of files) assert.ok(existsSync(new URL(`../../${file}`, import.meta.url)), file);
  }
});
