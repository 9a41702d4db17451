/** Which servers this extension can talk to. */

/** The oldest server that has all messages of docs/protocol.md that are used here. */
export const OLDEST = '0.1.0';

/** What a server calls itself that runs from a checkout without being installed. */
const UNINSTALLED = '0';

/** Why this server is not the right one, or undefined. `version` is what it says of itself in `initialize`. */
export function objection(name: string | undefined, version: string | undefined): string | undefined {
  if (name !== 'torchlean') return `it calls itself ${name ?? 'nothing'}, not torchlean`;
  if (version === undefined || (version !== UNINSTALLED && isOlder(version, OLDEST))) {
    return `its version is ${version ?? 'unknown'}, and this extension needs ${OLDEST} or newer`;
  }
  return undefined;
}

function isOlder(version: string, than: string): boolean {
  const [left, right] = [numbers(version), numbers(than)];
  for (let index = 0; index < right.length; index++) {
    const [a, b] = [left[index] ?? 0, right[index] ?? 0];
    if (a !== b) return a < b;
  }
  return false;
}

/** The release numbers: `1.2.0rc1` counts as `1.2.0`. */
function numbers(version: string): number[] {
  return version.split('.', 3).map((part) => Number.parseInt(part, 10) || 0);
}
