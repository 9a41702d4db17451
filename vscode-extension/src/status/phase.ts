/** What the status bar says: the life of the server, and while it runs, what it does. Pure. */

import type { Summary } from './activity.ts';

export type Phase =
  | { kind: 'starting' }
  | { kind: 'running'; activity: Summary }
  /** It died, and try `number` of `tries` comes. */
  | { kind: 'restarting'; number: number; tries: number; waiting: number }
  | { kind: 'failed'; reason: string }
  | { kind: 'absent' }
  | { kind: 'off' };

export interface Appearance {
  text: string;
  detail: string;
  severity: 'none' | 'warning' | 'error';
}

export function appearance(phase: Phase): Appearance {
  switch (phase.kind) {
    case 'starting':
      return {
        text: '$(sync~spin) TorchLean: starting',
        detail: 'The server is starting.',
        severity: 'none',
      };
    case 'running':
      return running(phase.activity);
    case 'restarting':
      return {
        text: `$(sync~spin) TorchLean: restarting, try ${phase.number} of ${phase.tries}`,
        detail: `The server stopped unexpectedly. ${documents(phase.waiting)} waiting for it.`,
        severity: 'warning',
      };
    case 'failed':
      return { text: '$(error) TorchLean: failed', detail: phase.reason, severity: 'error' };
    case 'absent':
      return {
        text: '$(warning) TorchLean: not installed',
        detail: 'No Python environment with TorchLean was found.',
        severity: 'warning',
      };
    case 'off':
      return {
        text: '$(circle-slash) TorchLean: stopped',
        detail: 'The server was stopped.',
        severity: 'none',
      };
  }
}

function running(activity: Summary): Appearance {
  switch (activity.kind) {
    case 'idle':
      return {
        text: '$(check) TorchLean',
        detail: 'Everything that is shown is checked.',
        severity: 'none',
      };
    case 'analysing':
      return {
        text: '$(loading~spin) TorchLean: analysing',
        detail: `Being analysed: ${activity.documents.map(nameOf).join(', ')}`,
        severity: 'none',
      };
    case 'lean':
      return {
        text: `$(loading~spin) TorchLean: checking in Lean ${activity.current} of ${activity.total}`,
        detail: 'The bounds are final; Lean is checking proved claims in the background.',
        severity: 'none',
      };
    case 'stopped':
      return {
        text: '$(warning) TorchLean: analysis stopped',
        detail: `No answer for ${activity.documents.map(nameOf).join(', ')}; the problems list says why.`,
        severity: 'warning',
      };
  }
}

function documents(count: number): string {
  return count === 1 ? '1 open document is' : `${count} open documents are`;
}

/** The last part of a URI, for people. */
function nameOf(uri: string): string {
  const last = uri.slice(uri.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // a stray percent sign
  }
}
