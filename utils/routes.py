"""Asks the kernel where a packet to an address would go."""

import errno
import os
import socket
import struct
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Self

_GET_ROUTE, _NEW_ROUTE, _ERROR = 26, 24, 2
_REQUEST = 1
_DESTINATION = 1  # RTA_DST
_HEADER, _ROUTE, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=8BI"), struct.Struct("=HH")
_ANSWER_SECONDS = 2.0
_NOWHERE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL}


class Way(IntEnum):
    """The kind of a route, by the kernel's numbers."""

    NONE = 0
    UNICAST = 1  # another machine
    LOCAL = 2  # this one
    BROADCAST = 3
    ANYCAST = 4
    MULTICAST = 5
    OTHER = 255  # refused by a rule of this machine, or of a kind that is new


class Routes:
    """The routes of the network that this process is in; a context, which closes it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self._socket.settimeout(_ANSWER_SECONDS)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def way(self, address: IPv4Address | IPv6Address) -> Way:
        """Return the way to an address; raises OSError when the kernel does not tell."""
        self._sequence += 1
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        packed = address.packed
        body = (
            _ROUTE.pack(family, 8 * len(packed), 0, 0, 0, 0, 0, 0, 0)
            + _ATTRIBUTE.pack(_ATTRIBUTE.size + len(packed), _DESTINATION)
            + packed
        )
        size = _HEADER.size + len(body)
        self._socket.sendto(
            _HEADER.pack(size, _GET_ROUTE, _REQUEST, self._sequence, 0) + body, (0, 0)
        )
        return self._answer()

    def _answer(self) -> Way:
        while True:
            data, sender = self._socket.recvfrom(65536)
            _size, kind, _flags, sequence, _port = _HEADER.unpack_from(data)
            if sender[0] != 0 or sequence != self._sequence:
                continue  # another process's words, or an answer that came too late
            if kind == _NEW_ROUTE:
                number = data[_HEADER.size + 7]
                return Way(number) if number in set(Way) else Way.OTHER
            if kind != _ERROR:
                raise OSError(errno.EPROTO, "the kernel's answer about a route is not understood")
            number = -struct.unpack_from("=i", data, _HEADER.size)[0]
            if number in _NOWHERE:
                return Way.NONE
            raise OSError(number, os.strerror(number))
