/**
 * Finding the language server. Pure: what is asked of the machine is behind `Machine`, so that tests can play one.
 *
 * The order, in `locate`, is the whole policy. A place that the person names is the only one that counts: if it does
 * not work, saying so beats starting something else. The other places are tried in turn.
 */

import * as path from 'node:path';

/** What the person set; empty where nothing is set. */
export interface Named {
  /** The program `torchlean` (`torchlean.server.path`). */
  path: string;
  /** A Python that has TorchLean (`torchlean.server.interpreter`). */
  interpreter: string;
}

export interface Places {
  named: Named;
  /** The Python that is selected in the Python extension, where there is one. */
  selected: string | undefined;
  /** The workspace's folders. */
  folders: readonly string[];
  /** Programs inside the folders of a workspace that is not trusted are never started. */
  trusted: boolean;
  /** The environment that `TorchLean: Install the Server` makes where there is no other. */
  own: string;
}

export interface Machine {
  windows: boolean;
  /** Whether this is a program that can be started. */
  isProgram(file: string): Promise<boolean>;
  /** Whether this Python can import the server. Starts the Python. */
  hasServer(python: string): Promise<boolean>;
  /** The first program of this name on the `PATH`. */
  onPath(name: string): Promise<string | undefined>;
}

export interface Found {
  kind: 'found';
  command: string;
  args: string[];
  /** For people: where it was found. */
  origin: string;
}

/** A place was named that does not work. */
export interface Unusable {
  kind: 'unusable';
  reason: string;
}

export interface Absent {
  kind: 'absent';
  /** For people: every place that was looked at. */
  looked: string[];
}

export type Located = Found | Unusable | Absent;

/** The program of an environment, for example `.venv/bin/torchlean`. */
export function programOf(environment: string, program: string, windows: boolean): string {
  return windows
    ? path.join(environment, 'Scripts', `${program}.exe`)
    : path.join(environment, 'bin', program);
}

/**
 * Where the server is: (1) the program that is set, (2) the Python that is set, (3) the Python selected in the Python
 * extension, (4) `.venv` in each folder of the workspace, (5) the `PATH`, (6) the environment that this extension made.
 * In a workspace that is not trusted, (3) counts only outside its folders, and (4) not at all.
 */
export async function locate(places: Places, machine: Machine): Promise<Located> {
  const { named, selected, folders, trusted } = places;
  if (named.path) {
    return (await machine.isProgram(named.path))
      ? program(named.path, 'the setting torchlean.server.path')
      : { kind: 'unusable', reason: `torchlean.server.path is set to ${named.path}, which is no program` };
  }
  if (named.interpreter) {
    return (await machine.hasServer(named.interpreter))
      ? module(named.interpreter, 'the setting torchlean.server.interpreter')
      : {
          kind: 'unusable',
          reason: `torchlean.server.interpreter is set to ${named.interpreter}, which is no Python that has TorchLean`,
        };
  }
  const looked: string[] = [];
  if (selected && (trusted || !folders.some((folder) => isWithin(selected, folder)))) {
    if (await machine.hasServer(selected)) return module(selected, 'the selected Python environment');
    looked.push(`the selected Python (${selected})`);
  }
  const environments = trusted ? folders.map((folder) => path.join(folder, '.venv')) : [];
  for (const environment of environments) {
    const file = programOf(environment, 'torchlean', machine.windows);
    if (await machine.isProgram(file)) return program(file, environment);
    looked.push(file);
  }
  const onPath = await machine.onPath('torchlean');
  if (onPath) return program(onPath, 'the PATH');
  looked.push('the PATH');
  const own = programOf(places.own, 'torchlean', machine.windows);
  if (await machine.isProgram(own)) return program(own, 'the environment made by this extension');
  return { kind: 'absent', looked };
}

function program(file: string, origin: string): Found {
  return { kind: 'found', command: file, args: ['lsp'], origin };
}

function module(python: string, origin: string): Found {
  return { kind: 'found', command: python, args: ['-m', 'torchlean_server'], origin };
}

function isWithin(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
}

/** A path of the settings with `~` and `${workspaceFolder}` replaced. */
export function expanded(setting: string, home: string, folder: string | undefined): string {
  const value = setting.trim().replace(/^~(?=$|[\\/])/, home);
  return folder === undefined ? value : value.replaceAll('${workspaceFolder}', folder);
}
