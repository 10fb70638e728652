"""A slow line: bytes arrive so much later, in both directions, and are otherwise left alone.

    python -m benchmarks.chains.line PORT MILLISECONDS

Prints the port on which it passes everything on to ``PORT`` of this machine, half of the time each way.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

CHUNK = 1 << 16


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Every chunk, so many seconds after it came; those behind it need not wait for it to be written."""
    loop = asyncio.get_running_loop()
    while chunk := await reader.read(CHUNK):
        loop.call_later(seconds, writer.write, chunk)
    loop.call_later(seconds, writer.close)


async def main(port: int, seconds: float) -> None:
    async def line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError):
            await asyncio.gather(
                passed_on(reader, there_writer, seconds / 2), passed_on(there_reader, writer, seconds / 2)
            )

    server = await asyncio.start_server(line, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1000))
