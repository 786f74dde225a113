"""Mode, owner and extended attributes of a file (access control lists among them), for the one that takes its place."""

from __future__ import annotations

import os
import stat

__all__ = ["copy_attributes"]

_GROUP = 0o070


def copy_attributes(source: int, target: int) -> None:
    """Give an open file what another has, as far as the system permits; it never becomes readable to more people."""
    status, new = os.fstat(source), os.fstat(target)
    mode = stat.S_IMODE(status.st_mode)
    if (status.st_uid, status.st_gid) != (new.st_uid, new.st_gid):
        mode = _own(target, status, mode)
    _copy_extended(source, target)
    os.fchmod(target, mode)


def _own(target: int, status: os.stat_result, mode: int) -> int:
    """Hand the file over; where its group cannot be kept the other one gets the rights of everybody."""
    try:
        os.fchown(target, status.st_uid, status.st_gid)
    except PermissionError:
        try:
            os.fchown(target, -1, status.st_gid)
        except PermissionError:
            return mode & ~(_GROUP | stat.S_ISUID | stat.S_ISGID) | (mode & 0o007) << 3 & mode
        return mode & ~stat.S_ISUID
    return mode


def _copy_extended(source: int, target: int) -> None:
    if not hasattr(os, "listxattr"):  # not on every system
        return
    try:
        names = os.listxattr(source)
    except OSError:  # the file system has none
        return
    for name in names:
        try:
            os.setxattr(target, name, os.getxattr(source, name))
        except OSError:  # some belong to the system alone
            continue
