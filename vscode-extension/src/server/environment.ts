/** This machine and this window, as `locate` and the installation want to know them. */

import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { type Machine, type Places, expanded } from './locate.ts';

/** Milliseconds. A Python on a slow disk takes seconds to start; one that takes longer than this is stuck. */
const PROBE_LIMIT = 20_000;

const PYTHON_EXTENSION = 'ms-python.python';

/** What is used of the Python extension's interface. */
interface PythonApi {
  environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
    resolveEnvironment(environment: {
      path: string;
    }): Promise<{ executable: { uri?: vscode.Uri | undefined } } | undefined>;
    onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

async function pythonApi(): Promise<PythonApi | undefined> {
  const extension = vscode.extensions.getExtension<PythonApi | undefined>(PYTHON_EXTENSION);
  if (extension === undefined) return undefined;
  try {
    return await extension.activate();
  } catch {
    return undefined; // its own trouble, which it reports itself
  }
}

/** The Python selected in the Python extension, where there is one. */
export async function selectedPython(): Promise<string | undefined> {
  const api = await pythonApi();
  if (api === undefined) return undefined;
  const active = api.environments.getActiveEnvironmentPath(vscode.workspace.workspaceFolders?.[0]?.uri);
  return (await api.environments.resolveEnvironment(active))?.executable.uri?.fsPath;
}

/** Calls back when another Python is selected. */
export async function onOtherPython(callback: () => void): Promise<vscode.Disposable | undefined> {
  return (await pythonApi())?.environments.onDidChangeActiveEnvironmentPath(callback);
}

/** The folders of this window that lie on a disk. */
export function folders(): string[] {
  return (vscode.workspace.workspaceFolders ?? [])
    .filter((folder) => folder.uri.scheme === 'file')
    .map((folder) => folder.uri.fsPath);
}

/** Where `TorchLean: Install the Server` makes an environment when there is no other. */
export function ownEnvironment(context: vscode.ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, 'environment');
}

export async function places(context: vscode.ExtensionContext): Promise<Places> {
  const settings = vscode.workspace.getConfiguration('torchlean.server');
  const read = (key: string): string => expanded(settings.get<string>(key, ''), os.homedir(), folders()[0]);
  return {
    named: { path: read('path'), interpreter: read('interpreter') },
    selected: await selectedPython(),
    folders: folders(),
    trusted: vscode.workspace.isTrusted,
    own: ownEnvironment(context),
  };
}

/**
 * Args:
 *   elsewhere: a folder without Python files. Python looks for modules in the current folder first, and the person's
 *     folder may hold a `torch.py`.
 */
export function machine(elsewhere: string): Machine {
  const windows = process.platform === 'win32';
  return {
    windows,
    isProgram,
    hasServer: (python) =>
      new Promise((resolve) => {
        const options = { cwd: elsewhere, timeout: PROBE_LIMIT };
        execFile(python, ['-c', 'import torchlean_server'], options, (error) => {
          resolve(error === null);
        });
      }),
    onPath: async (name) => {
      const names = windows ? [`${name}.exe`, `${name}.cmd`] : [name];
      for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
        // An entry that is not absolute would mean a folder of the workspace.
        if (!path.isAbsolute(folder)) continue;
        for (const candidate of names) {
          const file = path.join(folder, candidate);
          if (await isProgram(file)) return file;
        }
      }
      return undefined;
    },
  };
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await fs.access(file, fs.constants.X_OK);
    return (await fs.stat(file)).isFile();
  } catch {
    return false;
  }
}
