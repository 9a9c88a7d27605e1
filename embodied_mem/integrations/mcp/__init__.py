"""A memory as tools of the Model Context Protocol; `embodied-mem mcp STORE` serves one on standard input.

Needs the package `mcp`: `pip install 'embodied-mem[mcp]'`.
"""

from embodied_mem.optional import require

require("mcp", extra="mcp")

from embodied_mem.integrations.mcp.server import make_server  # noqa: E402 - after the check above

__all__ = ["make_server"]
