/**
 * In a workspace that is not trusted nothing runs but the analysis, which reads files and never runs them: Lean stays
 * off and no file is exported, whatever the settings say. (VS Code itself ignores such a workspace's own `torchlean.server.*` settings.)
 */

import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';

/** The section `torchlean` as the server gets it. */
export function restricted(section: unknown, trusted: boolean): unknown {
  if (trusted || typeof section !== 'object' || section === null) return section;
  const off = (name: string) => {
    const part: unknown = (section as Record<string, unknown>)[name];
    return { ...(typeof part === 'object' ? part : {}), enabled: false };
  };
  return { ...section, lean: off('lean'), export: off('export') };
}

export const middleware: Middleware = {
  workspace: {
    configuration: async (params, token, next) => {
      const sections = await next(params, token);
      if (!Array.isArray(sections)) return sections;
      return sections.map((section, index) =>
        params.items[index]?.section === 'torchlean'
          ? restricted(section, vscode.workspace.isTrusted)
          : (section as unknown),
      );
    },
  },
};
