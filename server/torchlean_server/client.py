"""What the client can do, asked once in one place."""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types


@dataclass(frozen=True, slots=True)
class Client:
    """The client's abilities that change what the server does. Everything absent counts as not able.

    `pull_diagnostics` means that it pulls and can be asked to pull again. One that only pulls after edits (Neovim 0.10)
    would show the verdicts of old weights as if they were current, so it is pushed to like clients that never pull.
    `code_actions`: it takes edits in actions; older clients know commands only. `create_files`: among these edits.
    """

    pull_diagnostics: bool = False
    refresh_inlay_hints: bool = False
    refresh_lenses: bool = False
    related_information: bool = False
    code_descriptions: bool = False
    tags: bool = False
    link_tooltips: bool = False
    nested_symbols: bool = False
    code_actions: bool = False
    versioned_edits: bool = False
    create_files: bool = False
    progress: bool = False
    configuration: bool = False
    register_configuration: bool = False
    register_watched_files: bool = False
    show_document: bool = False
    apply_edit: bool = False

    @staticmethod
    def of(capabilities: types.ClientCapabilities) -> Client:
        document = capabilities.text_document or types.TextDocumentClientCapabilities()
        workspace = capabilities.workspace or types.WorkspaceClientCapabilities()
        window = capabilities.window or types.WindowClientCapabilities()
        symbols, publish = document.document_symbol, document.publish_diagnostics
        actions, edits = document.code_action, workspace.workspace_edit
        changed, watched = workspace.did_change_configuration, workspace.did_change_watched_files
        return Client(
            pull_diagnostics=document.diagnostic is not None
            and bool(workspace.diagnostics and workspace.diagnostics.refresh_support),
            refresh_inlay_hints=bool(workspace.inlay_hint and workspace.inlay_hint.refresh_support),
            refresh_lenses=bool(workspace.code_lens and workspace.code_lens.refresh_support),
            related_information=bool(publish and publish.related_information),
            code_descriptions=bool(publish and publish.code_description_support),
            tags=_faded(publish),
            link_tooltips=bool(document.document_link and document.document_link.tooltip_support),
            nested_symbols=bool(symbols and symbols.hierarchical_document_symbol_support),
            code_actions=bool(actions and actions.code_action_literal_support),
            versioned_edits=bool(edits and edits.document_changes),
            create_files=bool(
                edits and types.ResourceOperationKind.Create in (edits.resource_operations or [])
            ),
            progress=bool(window.work_done_progress),
            configuration=bool(workspace.configuration),
            register_configuration=bool(changed and changed.dynamic_registration),
            register_watched_files=bool(watched and watched.dynamic_registration),
            apply_edit=bool(workspace.apply_edit),
            show_document=bool(window.show_document and window.show_document.support),
        )


def _faded(publish: types.PublishDiagnosticsClientCapabilities | None) -> bool:
    """Whether the client fades what is said to be of no use."""
    support = publish.tag_support if publish else None
    return support is not None and types.DiagnosticTag.Unnecessary in support.value_set
