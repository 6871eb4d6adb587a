# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run by gdb: prints the locals and parameters of all frames of all threads, a JSON object on each line.

    gdb -batch -nx -x gdb-variables.py PROGRAM CORE

"state" is "known", "optimized out" or "error"; "frame" counts physical frames, innermost first, as heapcore does.
"""

import json

import gdb

REFERENCES = (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF)
INTEGERS = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_CHAR)


def describe(symbol, frame, row):
    value = symbol.value(frame)
    if value.is_optimized_out:
        row["state"] = "optimized out"
        return
    kind = value.type.strip_typedefs().code
    if kind in REFERENCES:
        row["bytes"] = int(value.referenced_value().address).to_bytes(gdb.lookup_type("void").pointer().sizeof, "little").hex()
    else:
        if value.address is not None:
            row["address"] = int(value.address)
        if kind in INTEGERS:
            size = value.type.sizeof
            row["bytes"] = (int(value) & ((1 << 8 * size) - 1)).to_bytes(size, "little").hex()
    row["state"] = "known"


def print_frame(thread, frame, level):
    try:
        block = frame.block()
    except RuntimeError:
        return
    while block is not None:
        for symbol in block:
            if not (symbol.is_argument or symbol.is_variable) or symbol.addr_class == gdb.SYMBOL_LOC_STATIC:
                continue
            row = {"thread": thread, "frame": level, "function": frame.name(), "name": symbol.name}
            try:
                describe(symbol, frame, row)
            except gdb.error as error:
                row.update(state="error", reason=str(error))
            print(json.dumps(row))
        if block.function is not None:
            return
        block = block.superblock


for each in gdb.selected_inferior().threads():
    each.switch()
    at, number = gdb.newest_frame(), 0
    while at is not None:
        print_frame(each.ptid[1] or each.ptid[0], at, number)
        number += at.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME)
        try:
            at = at.older()
        except gdb.error:
            break
