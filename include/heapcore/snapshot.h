/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots: all of an analysis that a later comparison needs, and none of the dead process's memory: a few megabytes for a core of
 * gigabytes. `diff` compares snapshots only, those of cores as well as those of files, so that both give the same report.
 *
 * A snapshot is tables. Every block in use is counted in exactly one row: lost ones in `lost`, else those with a known owner in
 * `owners`, those of libc and the runtime in the row "runtime" of `memory`, the others in `sizes`. Bytes are usable bytes.
 */
#pragma once

#include <heapcore/analysis.h>
#include <heapcore/capture.h>
#include <heapcore/pins.h>

HC_BEGIN_DECLS

enum {
	HC_SNAPSHOT_FORMAT = 1, /* of files; a reader refuses what is newer */
	HC_SNAPSHOT_NONE = UINT32_MAX
};

/* A place in the program's data that blocks hang on: a variable, a member, what a pointer leads to, the elements of a container. */
typedef struct hc_snapshot_owner {
	uint32_t parent;      /* index, always smaller; HC_SNAPSHOT_NONE: the path begins here */
	const char *path;     /* "g_registry->summaries_" */
	hc_where where;	      /* HC_WHERE_UNKNOWN: the snapshot is of an earlier version */
	const char *type;     /* "std::vector<int>" */
	const char *kind;     /* a container's description: "libstdc++ vector"; NULL: it is none */
	const char *function; /* of a local, or a static in a function; else NULL */
	int64_t thread;	      /* whose stack or thread-local storage the path begins in; 0: nobody's */
	uint32_t ordinal;     /* among variables of that name, function and thread, in order of address */
	bool is_value;	      /* a string, a smart pointer, an optional: a container of one thing */
	bool is_queue;	      /* elements in a row, made one by one: a list, a deque, a ring */
	bool is_keyed;	      /* a map, a set, a hash table */
	bool is_found;	      /* by what the object says of itself alone: no variable leads there */
	bool by_words;	      /* the path begins at words without a type: symbols, sections, frames */
	hc_certainty certainty;
	hc_grade grade;
	hc_amount own;				/* blocks that this place owns itself */
	hc_amount mapped;			/* of these, mmapped ones */
	uint64_t own_resident, mapped_resident; /* bytes of both that were in memory; 0 if that is not known */
	hc_sharing shared;			/* of these, what others lead to as well */
	uint64_t outside;			/* bytes besides: in memory that is not malloc's (hc_types_path) */
	uint64_t outside_places;		/* in so many places */
	uint64_t outside_resident;		/* bytes of these places that were in memory; 0 if that is not known */
	uint64_t untyped;			/* bytes of OWN and OUTSIDE that only words lead to; 0 in older files */
	uint64_t free_between;			/* bytes of free chunks that stand each between two blocks of its */
	uint64_t count;				/* containers at this place: of a member, one for each object */
	uint64_t elements;			/* of all of them, claimed */
	uint64_t capacity;			/* UINT64_MAX: none */
	uint64_t keys_looked_at;		/* string keys whose shapes were compared; 0: none were */
	uint64_t key_shapes;			/* that differ once digits are folded */
	const char *key;			/* one of them as it is; untrusted; NULL: none, or no content is kept */
	const char *key_shape;			/* "/url/#"; NULL likewise */
} hc_snapshot_owner;

/* The program's blocks in use of one size. */
typedef struct hc_snapshot_size {
	uint64_t size;
	uint64_t blocks; /* all of them */
	uint64_t lost, unowned,
		unowned_mapped; /* of these: lost; held by something, but not by what is known; of those, mmapped */
	uint64_t unowned_resident,
		unowned_mapped_resident; /* bytes of the latter two that were in memory; 0 if that is not known */
} hc_snapshot_size;

/* A block that hangs on a path, of the sample by which snapshots of one process tell blocks that stayed from those that came. */
typedef struct hc_snapshot_block {
	hc_address address;
	uint64_t size;	/* usable bytes */
	uint32_t owner; /* index in the snapshot's owners */
} hc_snapshot_block;

/* An integer of the program's, by name: counters tell a backlog. */
typedef struct hc_snapshot_number {
	const char *path;
	int64_t value;
} hc_snapshot_number;

/*
 * Which calls may have made lost blocks of one kind, or blocks of one size that something holds, but nothing that is known. Of the answer only
 * `place_count` sites are there; their modules have a name and a path, and begin at 0.
 */
typedef struct hc_snapshot_site {
	uint32_t lost; /* index in the snapshot's `lost`; HC_SNAPSHOT_NONE: of a size */
	uint64_t size; /* usable bytes */
	hc_site_answer answer;
} hc_snapshot_site;

/*
 * A class of two layouts that lost blocks probably hang on, or damage. Of the difference no types and changes are kept, of its modules the name
 * and the path, and no more of them than HC_ABI_MODULES_MAX on a side; `sizes` and `heads` are not.
 */
typedef struct hc_snapshot_layouts {
	hc_abi_difference difference;
	bool has_site;
	hc_site_answer site; /* of the lost blocks */
} hc_snapshot_layouts;

/* What of a row of the memory table another runtime has. Its strings are the snapshot's. */
typedef struct hc_snapshot_use {
	hc_memory_use part;
	uint64_t outside, outside_resident; /* of it, what paths have (hc_snapshot_owner) */
} hc_snapshot_use;

typedef struct hc_snapshot {
	/* the process; its strings are the snapshot's */
	const char *path; /* of the core */
	uint64_t core_size;
	hc_process process;
	unsigned thread_count;
	GArray *threads; /* of int64_t: their ids */
	hc_heap_info heap;
	const char *program;		      /* the executable's name, or what the kernel called the process */
	const char *build_id;		      /* the executable's; NULL: not known */
	hc_address program_start, libc_start; /* where they were loaded; 0: not known */
	const char *random;  /* of AT_RANDOM's bytes, a hash: new for every execution; NULL: not known */
	bool has_types;	     /* owners were looked for */
	bool has_debug_info; /* the executable has some; FALSE: none, or types were not looked for */
	bool has_content;
	hc_diagnostics *diagnostics;
	/* the memory table, all its strings the snapshot's */
	uint64_t total;
	GArray *memory;	     /* of hc_memory_row */
	bool knows_uses;     /* FALSE: the snapshot is of an earlier version */
	GArray *uses;	     /* of hc_snapshot_use */
	bool knows_resident; /* what was in memory: of the core of a capture, or a snapshot of it */
	bool knows_lost_resident; /* also of kinds of lost blocks: snapshots of earlier versions do not */
	hc_amount directly_lost, indirectly_lost, possibly_lost;
	hc_amount in_use; /* the program's, mmapped ones too */
	hc_amount free;	  /* bytes of whole chunks */
	hc_free_pages free_pages;
	bool knows_unjoined; /* FALSE: the snapshot is of an earlier version */
	hc_unjoined unjoined;
	/* who holds it */
	GArray *owners;		  /* of hc_snapshot_owner */
	uint64_t owners_left_out; /* paths that were too many, counted where they branch off */
	GArray *lost;		  /* of hc_leak_kind, whose strings are the snapshot's */
	GArray *sizes;		  /* of hc_snapshot_size, smallest first */
	/*
	 * What debug info and code tell of lost blocks, where much is lost. FALSE: it was not looked for (without types; hc_analysis_options.no_sites),
	 * or the snapshot is of an earlier version.
	 */
	bool knows_layouts, knows_sites;
	GArray *layouts;	    /* of hc_snapshot_layouts, most lost bytes first */
	GArray *sites;		    /* of hc_snapshot_site: of what has most bytes */
	GPtrArray *modules, *calls; /* that these lead to: of hc_module; of arrays of hc_site */
	GArray *numbers;	  /* of hc_snapshot_number */
	/*
	 * Of hc_snapshot_block, by address: all of at least `sample_large` bytes, and about one in 2^`sample_shift` of the others. Files of
	 * earlier versions have none.
	 */
	GArray *sample;
	unsigned sample_shift;
	uint64_t sample_large;
	/*
	 * Of hc_pin_holder, most bytes first: what pins memory that malloc keeps. Certainty, runs, alone and example are not kept. In
	 * files of earlier versions all are HC_HOLDER_TYPED, and `name` is all that there was to say.
	 */
	GArray *pins;
	hc_pins_summary pinning;   /* what advice is made of */
	hc_side_facts *side_facts; /* NULL: none lay beside the core */
	GStringChunk *texts;
} hc_snapshot;

/*
 * Of an analysis that has run all stages (types may be left out). Keeps nothing of it. If its core hides its content
 * (hc_core_hides_content()) that is forgotten, as hc_snapshot_forget_content() does.
 * Fails with HC_ERROR_NO_MEMORY.
 */
hc_snapshot *hc_snapshot_create(const hc_analysis *analysis, GError **error);
void hc_snapshot_destroy(hc_snapshot *snapshot);

/* What it has of blocks' content is shown no more. Kinds of lost blocks stay apart by it. */
void hc_snapshot_forget_content(hc_snapshot *snapshot);

/* Whether PATH begins as a snapshot does. */
bool hc_snapshot_is_one(const char *path);

/*
 * Whether a snapshot may be written to PATH: HC_ERROR_USAGE if something is there that is not to be replaced. With REPLACE another snapshot
 * is, or an empty file; never any other file, a device or a pipe, or what a link of another user leads to.
 */
bool hc_snapshot_may_write(const char *path, bool replace, GError **error);

/*
 * Makes PATH a file that only its owner may read; of one that is replaced the mode is kept. It is there whole, or not at all. *RET_SIZE:
 * bytes; may be NULL. Fails as hc_snapshot_may_write(), and with HC_ERROR_IO.
 */
bool hc_snapshot_write(const hc_snapshot *snapshot, const char *path, bool replace, uint64_t *ret_size, GError **error);

/* The same into the file, or pipe, that is open as DESCRIPTOR, from where that stands on. Fails with HC_ERROR_IO. */
bool hc_snapshot_write_to(const hc_snapshot *snapshot, int descriptor, GError **error);

/*
 * Fails with HC_ERROR_IO, HC_ERROR_BAD_DATA (not a snapshot, or damaged), HC_ERROR_TRUNCATED (cut), HC_ERROR_UNSUPPORTED (written by a
 * newer version).
 */
hc_snapshot *hc_snapshot_read(const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_snapshot, hc_snapshot_destroy)

HC_END_DECLS
