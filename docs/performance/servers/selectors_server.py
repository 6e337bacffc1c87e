"""An echo server for many clients on Python's selectors: one thread, one event
loop. Chapter 2's servers are measured against it.

    python3 docs/performance/servers/selectors_server.py 127.0.0.1:65432
"""

import resource
import selectors
import signal
import socket
import sys


def main():
    host, _, port = sys.argv[1].rpartition(":")
    # Each connection is an open file. Allow as many as the system lets us.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    with socket.create_server((host.strip("[]"), int(port)), backlog=4096) as listener:
        listener.setblocking(False)
        selector = selectors.DefaultSelector()
        selector.register(listener, selectors.EVENT_READ)
        print("Listening on %s:%d" % listener.getsockname()[:2], flush=True)
        waiting = {}  # by socket: echoes that the client has not made room for
        while True:
            for key, events in selector.select():
                if key.fileobj is listener:
                    client, _ = listener.accept()
                    client.setblocking(False)
                    # As Go and gnet do: the end of a long message does not
                    # wait until its beginning is acknowledged.
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(client, selectors.EVENT_READ)
                    continue
                try:
                    open_still = serve(selector, key.fileobj, events, waiting)
                except ConnectionError:
                    open_still = False
                if not open_still:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
                    waiting.pop(key.fileobj, None)


def serve(selector, client, events, waiting):
    """Echoes what is there. Returns whether the connection stays open."""
    if events & selectors.EVENT_READ:
        data = client.recv(4096)
        if not data:
            return False
    else:
        data = waiting.pop(client)
    # Send at once: there is room nearly always. Else wait until there is,
    # and read nothing meanwhile.
    try:
        sent = client.send(data)
    except BlockingIOError:
        sent = 0
    if sent < len(data):
        waiting[client] = data[sent:]
        selector.modify(client, selectors.EVENT_WRITE)
    elif events & selectors.EVENT_WRITE:
        selector.modify(client, selectors.EVENT_READ)
    return True


if __name__ == "__main__":
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, lambda *_: sys.exit())
    main()
