// The part of the Python extension's interface that is used, and `select`, with which a test plays the person.
const vscode = require('vscode');

exports.activate = () => {
  let selected = 'python3';
  const changed = new vscode.EventEmitter();
  return {
    select(file) {
      selected = file;
      changed.fire({ path: file });
    },
    environments: {
      getActiveEnvironmentPath: () => ({ path: selected }),
      resolveEnvironment: ({ path }) =>
        Promise.resolve({ executable: { uri: path.startsWith('/') ? vscode.Uri.file(path) : undefined } }),
      onDidChangeActiveEnvironmentPath: changed.event,
    },
  };
};
