/** What pip is asked for. Pure. */

/**
 * The setting `torchlean.server.package` where it says something, else the server that came with the extension: the wheel
 * in `files`, the names in the extension's folder `dist`. Undefined where there is neither. Never a name to be looked up
 * in a registry that nobody chose: whoever holds that name there would be installed.
 */
export function requirement(
  setting: string,
  files: readonly string[],
): { setting: string } | { wheel: string } | undefined {
  const named = setting.trim();
  if (named !== '') return { setting: named };
  const wheel = files
    .filter((file) => /^torchlean-.*\.whl$/.test(file))
    .sort()
    .at(-1);
  return wheel === undefined ? undefined : { wheel };
}
