"""`OverTheWire`: a stand-in for the client of a memory server."""

import asyncio


class OverTheWire:
    """An asynchronous memory, as a client of a server would be."""

    def __init__(self, memory):
        self.memory = memory

    async def record(self, experience):
        await asyncio.sleep(0)
        return self.memory.record(experience)

    async def recall(self, query, /):
        await asyncio.sleep(0)
        return self.memory.recall(query)

    async def feedback(self, experience_id, *, helped):
        self.memory.feedback(experience_id, helped=helped)
