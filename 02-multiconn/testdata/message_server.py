"""Answer one request on each connection: message_server.py HOST PORT"""

import json
import socket
import struct
import sys


def read(stream, size):
    """Read size bytes, or fail: recv may give less than it is asked for."""
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the connection ended after %d of %d bytes" % (len(data), size))
    return data


def serve(stream):
    (size,) = struct.unpack(">H", read(stream, 2))
    header = json.loads(read(stream, size))
    content = read(stream, header["content-length"])
    if header["content-type"] == "text/json":
        request = json.loads(content)
        content = json.dumps({"result": "Python looks for " + request["value"]}).encode()
    else:
        content = b"First 10 bytes of request: " + content[:10]
    header["content-length"] = len(content)
    header["byteorder"] = sys.byteorder
    text = json.dumps(header).encode()
    stream.write(struct.pack(">H", len(text)) + text + content)
    stream.flush()


with socket.create_server((sys.argv[1], int(sys.argv[2]))) as listener:
    print("Listening on %s:%d" % listener.getsockname()[:2], flush=True)
    while True:
        conn, client = listener.accept()
        try:
            with conn, conn.makefile("rwb") as stream:
                serve(stream)
        except (OSError, EOFError, ValueError, KeyError) as err:
            print("Closing connection to %s:%d:" % client[:2], err, flush=True)
