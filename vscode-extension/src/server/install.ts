/**
 * Installing the server with pip, in a terminal where its progress and its errors are seen. Into the Python that is set or
 * selected, or `.venv`, or an environment of this extension's own where there is none.
 */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { machine, ownEnvironment, places } from './environment.ts';
import { programOf } from './locate.ts';

/** Whether it was installed. */
export async function install(context: vscode.ExtensionContext): Promise<boolean> {
  if (!vscode.workspace.isTrusted) {
    void vscode.window.showErrorMessage('TorchLean: packages are installed in trusted workspaces only.');
    return false;
  }
  const requirement = vscode.workspace
    .getConfiguration('torchlean.server')
    .get<string>('package', 'torchlean');
  const existing = await environment(context);
  if (existing !== undefined) return pip(existing, requirement);
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
  return pip(programOf(own, 'python', host.windows), requirement);
}

/** The Python that a person would expect TorchLean in. */
async function environment(context: vscode.ExtensionContext): Promise<string | undefined> {
  const { named, selected, folders } = await places(context);
  if (named.interpreter || selected) return named.interpreter || selected;
  const host = machine(context.extensionPath);
  for (const folder of folders) {
    const python = programOf(path.join(folder, '.venv'), 'python', host.windows);
    if (await host.isProgram(python)) return python;
  }
  return undefined;
}

function pip(python: string, requirement: string): Promise<boolean> {
  return run(python, ['-m', 'pip', 'install', '--upgrade', requirement], 'install the server');
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
