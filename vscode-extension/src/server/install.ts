/**
 * Installing the server with pip, in a terminal where its progress and its errors are seen. Into the Python that is set or
 * selected, or `.venv`, or an environment of this extension's own where there is none. What is installed is the server of
 * this very version, which comes with the extension; pip fetches only what that depends on.
 */

import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { folders, machine, ownEnvironment, places } from './environment.ts';
import { expanded, programOf } from './locate.ts';
import { requirement } from './requirement.ts';

/** Whether it was installed. */
export async function install(context: vscode.ExtensionContext): Promise<boolean> {
  if (!vscode.workspace.isTrusted) {
    void vscode.window.showErrorMessage('TorchLean: packages are installed in trusted workspaces only.');
    return false;
  }
  const wanted = await chosen(context);
  if (wanted === undefined) {
    const message = 'TorchLean: this build of the extension carries no server. Name one in the settings.';
    const answer = await vscode.window.showErrorMessage(message, 'Open Settings');
    if (answer !== undefined) await vscode.commands.executeCommand('torchlean.openSettings');
    return false;
  }
  const existing = await environment(context);
  if (existing !== undefined) return pip(existing, wanted);
  const host = machine(context.extensionPath);
  const base = (await host.onPath('python3')) ?? (await host.onPath('python'));
  if (base === undefined) {
    void vscode.window.showErrorMessage(
      'TorchLean: no Python was found. Install Python 3.10 or newer first.',
    );
    return false;
  }
  const own = ownEnvironment(context);
  if (!(await run(base, ['-m', 'venv', own], 'make an environment'))) return false;
  return pip(programOf(own, 'python', host.windows), wanted);
}

/** What pip is asked for, as an argument of it. */
async function chosen(context: vscode.ExtensionContext): Promise<string | undefined> {
  const setting = vscode.workspace.getConfiguration('torchlean.server').get<string>('package', '');
  const dist = path.join(context.extensionPath, 'dist');
  const found = requirement(setting, await fs.readdir(dist));
  if (found === undefined) return undefined;
  return 'wheel' in found
    ? path.join(dist, found.wheel)
    : expanded(found.setting, os.homedir(), folders()[0]);
}

/** The Python that a person would expect TorchLean in. */
async function environment(context: vscode.ExtensionContext): Promise<string | undefined> {
  const { named, selected } = await places(context);
  if (named.interpreter || selected) return named.interpreter || selected;
  const host = machine(context.extensionPath);
  for (const folder of folders()) {
    const python = programOf(path.join(folder, '.venv'), 'python', host.windows);
    if (await host.isProgram(python)) return python;
  }
  return undefined;
}

function pip(python: string, wanted: string): Promise<boolean> {
  return run(python, ['-m', 'pip', 'install', '--upgrade', wanted], 'install the server');
}

async function run(command: string, args: string[], name: string): Promise<boolean> {
  const task = new vscode.Task(
    { type: 'torchlean' },
    vscode.TaskScope.Workspace,
    name,
    'TorchLean',
    new vscode.ProcessExecution(command, args),
  );
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated };
  const execution = await vscode.tasks.executeTask(task);
  return new Promise((resolve) => {
    const ends = vscode.tasks.onDidEndTask((event) => {
      if (event.execution === execution) finish(false); // ended without a process: it could not be started
    });
    const exits = vscode.tasks.onDidEndTaskProcess((event) => {
      if (event.execution === execution) finish(event.exitCode === 0);
    });
    function finish(succeeded: boolean): void {
      ends.dispose();
      exits.dispose();
      if (!succeeded) {
        void vscode.window.showErrorMessage(`TorchLean: could not ${name}; the terminal says why.`);
      }
      resolve(succeeded);
    }
  });
}
