"""An echo server for many clients on Python's selectors, in the form in which
textbooks show it: interest in "writable" all the time, and an echo only in the
turn of the loop after its bytes came. Chapter 2's servers are measured against
it, and against selectors_server.py, which does without both.

    python3 docs/performance/servers/textbook_server.py 127.0.0.1:65432
"""

import resource
import selectors
import signal
import socket
import sys
import types

selector = selectors.DefaultSelector()


def accept(listener):
    client, _ = listener.accept()
    client.setblocking(False)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    selector.register(client, both, types.SimpleNamespace(waiting=b""))


def serve(client, state, events):
    if events & selectors.EVENT_READ:
        received = client.recv(4096)
        if not received:
            selector.unregister(client)
            client.close()
            return
        state.waiting += received
    if events & selectors.EVENT_WRITE and state.waiting:
        sent = client.send(state.waiting)
        state.waiting = state.waiting[sent:]


def main():
    host, _, port = sys.argv[1].rpartition(":")
    # Each connection is an open file. Allow as many as the system lets us.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listener = socket.create_server((host.strip("[]"), int(port)), backlog=4096)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    print("Listening on %s:%d" % listener.getsockname()[:2], flush=True)
    while True:
        for key, events in selector.select():
            if key.fileobj is listener:
                accept(listener)
            else:
                serve(key.fileobj, key.data, events)


if __name__ == "__main__":
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, lambda *_: sys.exit())
    main()
