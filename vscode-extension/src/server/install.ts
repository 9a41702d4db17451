/**
 * Installing the server with pip, in a terminal where its progress and its errors are seen. Into the Python that is set or
 * selected, or `.venv`, or an environment of this extension's own where there is none. What is installed is the server of
 * this very version, which comes with the extension; pip fetches only what that depends on.
 */

import { type ChildProcess, spawn } from 'node:child_process';
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

/** Runs a program in a terminal; whether it ended well. Closing the terminal ends the program. */
function run(command: string, args: string[], name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const written = new vscode.EventEmitter<string>();
    const ended = new vscode.EventEmitter<undefined>();
    let child: ChildProcess | undefined;
    const finish = (succeeded: boolean): void => {
      if (!succeeded) {
        written.fire('\r\nThis did not work. Close the terminal when you have read why.\r\n');
        void vscode.window.showErrorMessage(`TorchLean: could not ${name}; the terminal says why.`);
      } else ended.fire(undefined);
      resolve(succeeded);
    };
    const terminal = vscode.window.createTerminal({
      name: `TorchLean: ${name}`,
      pty: {
        onDidWrite: written.event,
        onDidClose: ended.event,
        open: () => {
          written.fire(`${[command, ...args].join(' ')}\r\n`);
          // Not in the workspace's folder: Python would look for modules there first.
          child = spawn(command, args, { cwd: path.dirname(command), stdio: ['ignore', 'pipe', 'pipe'] });
          for (const stream of [child.stdout, child.stderr]) {
            stream?.setEncoding('utf8').on('data', (text: string) => {
              written.fire(text.replace(/\r?\n/g, '\r\n'));
            });
          }
          child.once('error', (error) => {
            written.fire(`${error.message}\r\n`);
            finish(false);
          });
          child.once('close', (code) => {
            finish(code === 0);
          });
        },
        close: () => child?.kill(),
      },
    });
    terminal.show();
  });
}
