"""Starts a program as systemd's socket activation does (sd_listen_fds(3)), with sockets made here.

activate.py NAME=ADDRESS... -- PROGRAM ARGUMENT...    an address: 127.0.0.1:0, or the path of a unix socket
"""

import os
import socket
import sys

FIRST = 3


def listening(address):
    if address.startswith("/"):
        made = socket.socket(socket.AF_UNIX)
        made.bind(address)
    else:
        host, port = address.rsplit(":", 1)
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, int(port)))
    made.listen()
    return made


split = sys.argv.index("--")
names, addresses = zip(*(argument.split("=", 1) for argument in sys.argv[1:split]))
program = sys.argv[split + 1 :]
sockets = [listening(address) for address in addresses]
# Out of the way of the numbers that they are to have.
apart = [os.dup2(made.fileno(), 100 + index) for index, made in enumerate(sockets)]
for index, descriptor in enumerate(apart):
    os.dup2(descriptor, FIRST + index, inheritable=True)
    os.close(descriptor)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(apart)), LISTEN_FDNAMES=":".join(names))
os.execv(program[0], program)
