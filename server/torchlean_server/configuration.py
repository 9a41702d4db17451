"""Brings the client's settings in: asked for where the client can be asked, taken from what it sends otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from torchlean_server.client import Client
from torchlean_server.settings import Settings, parse

SECTION = "torchlean"


class Outgoing(Protocol):
    """What is needed of the language server."""

    async def workspace_configuration_async(self, params: types.ConfigurationParams) -> Any: ...
    async def client_register_capability_async(self, params: types.RegistrationParams) -> None: ...
    def window_show_message(self, params: types.ShowMessageParams) -> None: ...


class Configuration:
    """The settings in force.

    Args:
        adopt: called with the old and the new settings whenever they change.
    """

    def __init__(self, out: Outgoing, client: Client, adopt: Callable[[Settings, Settings], None]) -> None:
        self.settings = Settings()
        self._out = out
        self._client = client
        self._adopt = adopt
        self._problems: list[str] = []
        self._asked = 0

    async def begin(self) -> None:
        """After `initialized`: ask to be told of changes, and for the settings."""
        if self._client.register_configuration:
            method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
            options = types.DidChangeConfigurationRegistrationOptions(section=SECTION)
            registration = types.Registration("torchlean-configuration", method, options)
            # A client that refuses is asked for its settings at the start only.
            with contextlib.suppress(JsonRpcException):
                await self._out.client_register_capability_async(types.RegistrationParams([registration]))
        await self.fetch()

    async def fetch(self) -> None:
        """Ask for the settings, where the client can be asked."""
        if not self._client.configuration:
            return
        items = [types.ConfigurationItem(section=SECTION)]
        self._asked += 1
        asked = self._asked
        try:
            sections = await self._out.workspace_configuration_async(types.ConfigurationParams(items))
        except JsonRpcException:
            return
        # Answers may overtake each other, and an old one must not bring back, for example, a trust that is withdrawn.
        if asked == self._asked:
            self.take(sections[0] if sections else None)

    def take_all(self, settings: object) -> None:
        """The settings as some clients send them: the section, or an object that holds it."""
        section = settings.get(SECTION, settings) if isinstance(settings, Mapping) else settings
        self.take(section)

    def take(self, section: object) -> None:
        """A section came: adopt what is good in it, and say what is not, once."""
        old = self.settings
        self.settings, problems = parse(section)
        for problem in problems:
            if problem not in self._problems:
                self._out.window_show_message(types.ShowMessageParams(types.MessageType.Warning, problem))
        self._problems = problems
        if self.settings != old:
            self._adopt(old, self.settings)
