"""A long line: a port of this computer behind which everything arrives late, as from a data centre far away."""

import asyncio
import threading


class Line:
    """Forwards a port of 127.0.0.1 to `address`:22; each way takes `seconds`, and nothing waits for what is before it."""

    def __init__(self, address, seconds):
        self.address = address
        self.seconds = seconds
        self.port = None
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve(ready)), daemon=True).start()
        ready.wait()

    async def serve(self, ready):
        server = await asyncio.start_server(self.connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()

    async def connect(self, near_reader, near_writer):
        far_reader, far_writer = await asyncio.open_connection(self.address, 22)
        await asyncio.gather(self.carry(near_reader, far_writer), self.carry(far_reader, near_writer))

    async def carry(self, reader, writer):
        loop = asyncio.get_running_loop()
        while data := await read(reader):
            loop.call_later(self.seconds, writer.write, data)
        loop.call_later(self.seconds, writer.close)


async def read(reader):
    """The next bytes; none if the connection is lost."""
    try:
        return await reader.read(65536)
    except ConnectionError:
        return b""
