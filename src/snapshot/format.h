/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file: one line of text,
 *
 *	heapcore-snapshot FORMAT LENGTH SHA256
 *
 * and behind it LENGTH bytes, a GVariant of type a{sv} in little-endian order, whose SHA-256 is on the line. Each section of the
 * dictionary has the type that stands here. A reader takes sections that it does not know for something newer that it can do
 * without; what it cannot do without raises FORMAT.
 */
#pragma once

#include "snapshot/snapshot_parts.h"

#define SNAPSHOT_MAGIC "heapcore-snapshot "

/* No process has more: x86-64 and others have 57 bits for user space at most. */
#define SNAPSHOT_BYTES_MAX (UINT64_C(1) << 60)

enum {
	SNAPSHOT_LINE_MAX = 128,
	SNAPSHOT_SIZE_MAX = 1 << 30
};

/* name, arguments, executable, machine; pid, signal, origin, machine_id, word_size, big_endian, page_size; threads, core size */
#define SNAPSHOT_PROCESS "(msmsmsmsxiyuubtut)"
/* ids of threads */
#define SNAPSHOT_THREADS "ax"
/* allocator, version, layout, library, provider, foreign; flags; mmapped_count, mmapped_bytes, alignment */
#define SNAPSHOT_HEAP "(msmsmsmsmsmsuttt)"
/* path, program, build id, random; advice of format 1, which is not read; where program and libc were loaded; flags */
#define SNAPSHOT_IDENTITY "(msmsmsmsmsttu)"
/* id, text, example; severity: HC_SEVERITY_NOTE or HC_SEVERITY_PARTIAL, as a comparison needs no more; count, bytes */
#define SNAPSHOT_DIAGNOSTICS "a(ssmsutt)"
/* id, a title in older files, which is not read, unit, of; bytes, count; is memory */
#define SNAPSHOT_MEMORY "a(ssmsmsttb)"
/* row of "memory", kind, name, whether it is proved; bytes, mappings, resident, swapped; of paths: bytes, resident. May be missing: older ones have none */
#define SNAPSHOT_RUNTIME  "(ssmsbtttttt)"
#define SNAPSHOT_RUNTIMES "a" SNAPSHOT_RUNTIME
/* total; blocks and bytes: directly, indirectly, possibly lost, in use, free; free pages: whole, zero, trim, trim_zero, largest */
#define SNAPSHOT_TOTALS "(t(tt)(tt)(tt)(tt)(tt)(ttttt))"
/* parent, path, words of format 1 for where it is, which are not read, type, kind, function, thread, ordinal, flags, own, mapped, count, elements, capacity, keys, shapes, key, shape */
#define SNAPSHOT_OWNERS "a(usssmsmsxuu(tt)(tt)tttttmsms)"
/* of each in "owners" where it is: kind, name, thread, frame. May be missing: older ones have none */
#define SNAPSHOT_OWNERS_WHERE "a(umsxu)"
/* of each in "owners" what others lead to as well: blocks, bytes, the path that most of it is reached from, more such paths. May be missing: older ones have none */
#define SNAPSHOT_OWNERS_SHARED "a(ttmsu)"
/* of each in "owners" what is in memory that is not malloc's: bytes, places, resident bytes. May be missing: nothing is */
#define SNAPSHOT_OWNERS_OUTSIDE "a(ttt)"
/* of each in "owners" bytes of free chunks between its blocks. May be missing: older ones have none */
#define SNAPSHOT_OWNERS_FREE "at"
/* untyped, of each row of "owners". May be missing */
#define SNAPSHOT_OWNERS_UNTYPED "at"
/* key, type, beginning, sample, module, words of format 1 for the evidence, which are not read; trees, blocks, bytes, head_size, head_sizes */
#define SNAPSHOT_LOST "a(smsmsmsmsmsttttt)"
/* of each in "lost": what last pointed there: module, type, flags, size. May be missing: older ones have none */
#define SNAPSHOT_LOST_EVIDENCE "a(msmsut)"
/* of each in "lost": rings, holding_themselves; flags. May be missing: older ones have none */
#define SNAPSHOT_LOST_SHAPES "a(ttu)"
/* of each in "lost" bytes that were in memory. May be missing: only captures have it, and older files have none */
#define SNAPSHOT_LOST_RESIDENT "at"
/* of a call: module, its path, offset in it; function, offset, file, line, inlined, allocator; size_kind, size, added */
#define SNAPSHOT_CALL "(sstmstmsimsmsutt)"
/* size, verdict, flags, count, of_size, computed, only_in; the first calls */
#define SNAPSHOT_ANSWER "(tuuuuumsa" SNAPSHOT_CALL ")"
/* of one layout: names and paths of the first modules, how many there are, unit, size, parts */
#define SNAPSHOT_LAYOUT "(a(ss)umstu)"
/* name, kind, same, holders, holder_side, overrun, lost by evidence, trees; the two layouts; the answer of its lost blocks, or none. May be missing: it was not looked for, or older */
#define SNAPSHOT_LAYOUTS "a(suuasut(tttt)t" SNAPSHOT_LAYOUT SNAPSHOT_LAYOUT "a" SNAPSHOT_ANSWER ")"
/* index in "lost", or UINT32_MAX; size of blocks; answer. May be missing likewise */
#define SNAPSHOT_SITES "a(ut" SNAPSHOT_ANSWER ")"
/* size, blocks, lost, unowned, unowned_mapped */
#define SNAPSHOT_SIZES "a(ttttt)"
/* threads that ended and were not joined; their stacks: address space, memory; is it resident. May be missing: older ones have none */
#define SNAPSHOT_UNJOINED "(tttb)"
/* where most of these began, and how many. May be missing: older ones have none */
#define SNAPSHOT_UNJOINED_ROUTINE "(mst)"
#define SNAPSHOT_NUMBERS  "a(sx)"
/* shift, large; address, size, row in "owners" of each block of the sample. May be missing: older files have none */
#define SNAPSHOT_SAMPLE "(uta(ttu))"
/*
 * Of each in "memory", "owners" and "sizes" bytes that were in memory: and swapped out; own, and mapped; unowned, and unowned_mapped. May be
 * missing: only captures have it, and older files have none
 */
#define SNAPSHOT_RESIDENT "(a(tt)a(tt)a(tt))"
/* name ("" if there is none), blocks, bytes, pinned */
#define SNAPSHOT_PINS "a(sttt)"
/* of each in "pins" what it is: kind, path, thread, size, kind and thread of the label. May be missing: older ones have none */
#define SNAPSHOT_PIN_HOLDERS "a(umsxtux)"
/* flags; free, trim, zero, pinned, blocks and bytes pinning, trim_threshold, mmap_threshold; cause and bytes of what is kept */
#define SNAPSHOT_PINNING "(utttttttta(ut))"

enum { /* flags of the pinning */
	PINNING_HEAP_FOUND = 1,
	PINNING_THRESHOLDS_KNOWN = 2,
	PINNING_THRESHOLDS_MOVE = 4,
	PINNING_THRESHOLD_ROSE = 8,
	PINNING_RESIDENT_KNOWN = 16,
};

enum { /* flags of an owner */
	OWNER_VALUE = 1,
	OWNER_QUEUE = 2,
	OWNER_KEYED = 4,
	OWNER_FOUND = 8,
	OWNER_BY_WORDS = 16,
	OWNER_CERTAINTY_SHIFT = 8, /* 8 bits each */
	OWNER_GRADE_SHIFT = 16,
};

enum { /* flags of the heap */
	HEAP_FROM_DEBUG_INFO = 1,
	HEAP_SAFE_LINKING = 2,
	HEAP_FOUND = 4,
	HEAP_MMAPPED_KNOWN = 8,
	HEAP_STATE_SHIFT = 8, /* 8 bits */
};

enum { /* flags of a kind of lost blocks */
	LOST_UNLOADED = 1,
};

enum { /* flags of an answer */
	ANSWER_VARYING = 1,
	ANSWER_WITHOUT_RUNTIME = 2,
	ANSWER_BY_CLASS = 4,
	ANSWER_BY_CONTENTS = 8,
};

enum { /* flags of evidence */
	EVIDENCE_ON_STACK = 1,
	EVIDENCE_BY_OTHERS = 2,
};

enum { /* flags of the whole */
	IDENTITY_TYPES = 1,
	IDENTITY_CONTENT = 2,
	IDENTITY_DEBUG_INFO = 4,
	IDENTITY_LIVE = 8, /* its origin stands as HC_ORIGIN_CAPTURE, which older readers know */
};
