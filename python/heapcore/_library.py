# SPDX-License-Identifier: LGPL-2.1-or-later
"""libheapcore by ctypes: the structures and functions of <heapcore/...> that this module uses, and nothing else.

A structure here has the fields of the header's in their order; the tests compare sizes and offsets with what the C compiler says.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, Structure, c_bool, c_char_p, c_int, c_int64, c_size_t, c_uint, c_uint32, c_uint64, c_void_p
from typing import Any

STAGE_TYPES = 6  # HC_STAGE_TYPES
NO_ROW = 0xffffffff  # HC_OWNER_NO_ROW, HC_ARENA_NONE
IN_USE = 0  # HC_BLOCK_IN_USE
NOT_KNOWN = 2**64 - 1


class Error(Structure):
    _fields_ = [("domain", c_uint32), ("code", c_int), ("message", c_char_p)]


class Amount(Structure):
    _fields_ = [("blocks", c_uint64), ("bytes", c_uint64)]


class AnalysisOptions(Structure):
    _fields_ = [("core_name", c_char_p), ("is_live", c_bool), ("binary", c_char_p), ("sysroot", c_char_p),
                ("debug_directories", POINTER(c_char_p)), ("jobs", c_uint), ("memory", c_uint64), ("at_once", c_uint),
                ("until", c_int), ("no_types", c_bool), ("retained", c_bool), ("no_content", c_bool), ("no_sites", c_bool),
                ("no_encodings", c_bool),
                ("container_files", POINTER(c_char_p)), ("progress", c_void_p), ("unpacking", c_void_p), ("progress_data", c_void_p)]


class OwnershipOptions(Structure):
    _fields_ = [("no_retained", c_bool), ("with_shared", c_bool), ("by", c_int), ("order", c_int), ("jobs", c_uint)]


class Block(Structure):
    _fields_ = [("number", c_uint32), ("state", c_int), ("address", c_uint64), ("size", c_uint64), ("chunk_size", c_uint64),
                ("arena", c_uint32), ("label", c_void_p)]


class BlockIterator(Structure):
    _fields_ = [("blocks", c_void_p), ("region", c_uint32), ("number", c_uint32), ("granule", c_uint64)]


class BlockType(Structure):
    _fields_ = [("name", c_char_p), ("type", c_void_p), ("certainty", c_int), ("path", c_char_p)]


class TypeRow(Structure):
    _fields_ = [("name", c_char_p), ("label", c_void_p), ("type", c_void_p), ("certainty", c_int), ("amount", Amount),
                ("path", c_char_p), ("example", c_uint64)]


class Where(Structure):
    _fields_ = [("kind", c_int), ("name", c_char_p), ("thread", c_int64), ("frame", c_uint)]


class Accumulation(Structure):
    _fields_ = [("is_found", c_bool), ("row", c_uint32), ("is_by_holding", c_bool), ("block", c_uint64), ("size", c_uint64),
                ("bytes", c_uint64), ("below", c_uint64), ("is_list", c_bool)]


class Sharing(Structure):
    _fields_ = [("amount", Amount), ("with_", c_char_p), ("others", c_uint)]


class OwnerRow(Structure):
    _fields_ = [("kind", c_int), ("parent", c_uint32), ("first_child", c_uint32), ("next", c_uint32), ("level", c_uint),
                ("begins", c_bool), ("group", c_int), ("text", c_char_p), ("type", c_char_p), ("where", Where), ("threads", c_uint),
                ("basis", c_int), ("certainty", c_int), ("holds", Amount), ("own", Amount), ("outside", c_uint64),
                ("untyped", c_uint64), ("resident", c_uint64), ("outside_resident", c_uint64), ("is_container", c_bool),
                ("has_retained", c_bool), ("retained", c_uint64), ("accumulates", c_bool), ("accumulation", Accumulation),
                ("shared", Sharing)]


class Container(Structure):
    _fields_ = [("index", c_uint), ("path", c_char_p), ("where", Where), ("number", c_uint32), ("type", c_char_p), ("kind", c_char_p),
                ("container_type", c_void_p), ("is_shape", c_bool), ("is_uncounted", c_bool), ("node_bytes", c_uint64),
                ("element", c_char_p), ("certainty", c_int), ("count", c_uint64), ("elements", c_uint64), ("walked", c_uint64),
                ("capacity", c_uint64), ("own", Amount), ("elements_bytes", c_uint64), ("below", Amount)]  # and more behind them


# Of which only what stands in front is declared here.
CUT_SHORT = {"Container"}
# What each is called in C.
STRUCTURES = {"hc_amount": Amount, "hc_analysis_options": AnalysisOptions, "hc_ownership_options": OwnershipOptions, "hc_block": Block,
              "hc_block_iterator": BlockIterator, "hc_block_type": BlockType, "hc_type_row": TypeRow, "hc_where": Where,
              "hc_owner_accumulation": Accumulation, "hc_sharing": Sharing, "hc_owner_row": OwnerRow, "hc_container": Container}

# Name: result, arguments. None: nothing.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "hc_version": (c_char_p, []),
    "hc_analysis_run": (c_void_p, [c_char_p, POINTER(AnalysisOptions), POINTER(POINTER(Error))]),
    "hc_analysis_destroy": (None, [c_void_p]),
    "hc_analysis_core": (c_void_p, [c_void_p]),
    "hc_analysis_blocks": (c_void_p, [c_void_p]),
    "hc_analysis_types": (c_void_p, [c_void_p]),
    "hc_analysis_references": (c_void_p, [c_void_p]),
    "hc_analysis_diagnostics": (c_void_p, [c_void_p]),
    "hc_analysis_find_owners": (c_void_p, [c_void_p, POINTER(OwnershipOptions), POINTER(POINTER(Error))]),
    "hc_diagnostics_partial": (c_bool, [c_void_p]),
    "hc_core_hides_content": (c_bool, [c_void_p]),
    "hc_core_knows_resident": (c_bool, [c_void_p]),
    "hc_core_read": (c_bool, [c_void_p, c_uint64, c_void_p, c_size_t]),
    "hc_block_iterator_init": (None, [POINTER(BlockIterator), c_void_p]),
    "hc_block_iterator_next": (c_bool, [POINTER(BlockIterator), POINTER(Block)]),
    "hc_block_state_name": (c_char_p, [c_int]),
    "hc_blocks_find": (c_bool, [c_void_p, c_uint64, POINTER(Block)]),
    "hc_references_reach": (c_int, [c_void_p, c_uint32]),
    "hc_reach_name": (c_char_p, [c_int]),
    "hc_types_of_block": (c_bool, [c_void_p, c_uint32, POINTER(BlockType)]),
    "hc_block_type_clear": (None, [POINTER(BlockType)]),
    "hc_types_row_count": (c_uint, [c_void_p]),
    "hc_types_row": (POINTER(TypeRow), [c_void_p, c_uint]),
    "hc_types_container_count": (c_uint, [c_void_p]),
    "hc_types_container": (POINTER(Container), [c_void_p, c_uint]),
    "hc_types_path_of_block": (c_uint32, [c_void_p, c_uint32]),
    "hc_certainty_name": (c_char_p, [c_int]),
    "hc_ownership_destroy": (None, [c_void_p]),
    "hc_ownership_row_count": (c_uint32, [c_void_p]),
    "hc_ownership_row": (POINTER(OwnerRow), [c_void_p, c_uint32]),
    "hc_ownership_row_of_path": (c_uint32, [c_void_p, c_uint32]),
    "hc_ownership_total": (Amount, [c_void_p]),
    "hc_ownership_retained_by_block": (c_bool, [c_void_p, c_uint32, POINTER(c_uint64)]),
}


def load() -> ctypes.CDLL:
    """The library, with its functions declared: the one that HEAPCORE_LIBRARY names, or the one that is installed."""
    library = ctypes.CDLL(os.environ.get("HEAPCORE_LIBRARY") or "libheapcore.so.0")
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
