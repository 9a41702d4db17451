/** The tests that run inside the extension host of VS Code, with its real interface. One window, one after the other. */

import * as languages from './languages.ts';
import * as lives from './lives.ts';
import * as panel from './panel.ts';

const tests = Object.entries({ ...languages.tests, ...panel.tests, ...lives.tests });

/** Called by the workbench; rejecting means failing. */
export async function run(): Promise<void> {
  const failed: string[] = [];
  for (const [name, body] of tests) {
    try {
      await body();
      console.log(`ok: ${name}`);
    } catch (error) {
      failed.push(name);
      console.log(`failed: ${name}\n${error instanceof Error ? String(error.stack) : String(error)}`);
    }
  }
  console.log(`${tests.length} tests ran`);
  if (failed.length > 0) throw new Error(`failed: ${failed.join(', ')}`);
}
