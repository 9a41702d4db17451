/**
 * Claims in the Test explorer. A run waits for the server's verdicts, which come by themselves; Lean is asked again.
 *
 * A test that has a place gets buttons in the gutter, over whatever else stands there. So claims get places as tests only
 * where the marks of verdicts are off.
 */

import * as vscode from 'vscode';
import { type ClaimList, rangeOf } from './list.ts';
import type { Session } from '../server/session.ts';
import { MARKS, marksEnabled } from '../gutter/gutter.ts';
import { type Claim, grouped, tally } from './model.ts';

export function testExplorer(list: ClaimList, session: Session): vscode.Disposable {
  const controller = vscode.tests.createTestController('torchlean', 'TorchLean claims');
  const update = vscode.Disposable.from(
    list.onChange((uri) => {
      showDocument(controller, list, uri);
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration(MARKS)) return;
      for (const uri of list.documents()) showDocument(controller, list, uri);
    }),
  );
  controller.createRunProfile(
    'Check',
    vscode.TestRunProfileKind.Run,
    (request, token) => run(controller, list, session, request, token),
    true,
  );
  return vscode.Disposable.from(controller, update);
}

function showDocument(controller: vscode.TestController, list: ClaimList, uri: string): void {
  const claims = list.of(uri);
  if (claims.length === 0) {
    controller.items.delete(uri);
    return;
  }
  const resource = vscode.Uri.parse(uri);
  const name = resource.path.slice(resource.path.lastIndexOf('/') + 1);
  const file = controller.items.get(uri) ?? controller.createTestItem(uri, name, resource);
  const claimItem = (claim: Claim): vscode.TestItem => {
    const item = controller.createTestItem(claim.name, claim.name, resource);
    item.range = marksEnabled() ? undefined : rangeOf(claim);
    item.description = claim.title;
    return item;
  };
  file.children.replace(
    grouped(claims).map((one) => {
      if (!('members' in one)) return claimItem(one);
      const family = controller.createTestItem(`family ${one.family}`, one.family, resource);
      family.description = tally(one.members);
      family.children.replace(one.members.map(claimItem));
      return family;
    }),
  );
  controller.items.add(file);
}

async function run(
  controller: vscode.TestController,
  list: ClaimList,
  session: Session,
  request: vscode.TestRunRequest,
  token: vscode.CancellationToken,
): Promise<void> {
  const testRun = controller.createTestRun(request);
  const chosen = request.include ?? [...controller.items].map(([, item]) => item);
  const excluded = new Set(request.exclude);
  const wanted = chosen.flatMap((item) => leaves(item, excluded));
  for (const item of wanted) testRun.started(item);
  for (const uri of new Set(wanted.map((item) => String(item.uri)))) {
    await session.checked(uri, token);
    for (const item of wanted.filter((one) => String(one.uri) === uri)) {
      const claim = list.of(uri).find((one) => one.name === item.id);
      report(testRun, item, token.isCancellationRequested ? undefined : claim);
    }
  }
  testRun.end();
}

/** The claims at and below an item; those without a file are none. */
function leaves(item: vscode.TestItem, excluded: ReadonlySet<vscode.TestItem>): vscode.TestItem[] {
  if (excluded.has(item) || item.uri === undefined) return [];
  if (item.children.size === 0) return [item];
  return [...item.children].flatMap(([, child]) => leaves(child, excluded));
}

/** A claim that is open has failed as a test: nothing shows that it holds. */
function report(testRun: vscode.TestRun, item: vscode.TestItem, claim: Claim | undefined): void {
  if (claim === undefined || claim.freshness !== 'current' || claim.verdict === null) {
    testRun.skipped(item);
    return;
  }
  const duration = (claim.seconds ?? 0) * 1000;
  if (claim.verdict === 'proved') {
    testRun.passed(item, duration);
    return;
  }
  const message = new vscode.TestMessage(claim.detail || claim.title);
  if (item.uri) message.location = new vscode.Location(item.uri, rangeOf(claim));
  testRun.failed(item, message, duration);
}
