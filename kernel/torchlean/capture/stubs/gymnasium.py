"""`gymnasium`: spaces; what runs environments is not followed."""

from gymnasium.spaces import Space
