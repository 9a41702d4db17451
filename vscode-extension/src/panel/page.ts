/** The panel's document: one script and one style sheet of the extension's own, and nothing from anywhere else. Pure. */

export interface Parts {
  script: string;
  style: string;
  /** What the webview calls its own resources in a content security policy. */
  source: string;
  nonce: string;
}

export function page({ script, style, source, nonce }: Parts): string {
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${source}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Bounds</title>
<link rel="stylesheet" href="${style}">
</head>
<body class="vscode-body">
<main id="torchlean-panel"></main>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
