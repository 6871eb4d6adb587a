/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leaks: the lost blocks as a person deals with them. Each directly lost block is the head of a *tree*: itself and the blocks
 * that only it leads to. Trees of the same shape are one *group*. What belongs to no block, but is memory that nothing points
 * to all the same, are anonymous *mappings*.
 *
 * What a core cannot tell is which call allocated a block (what the code tells of that: sites.h). What it can: the type (by its vtable), the libraries that the blocks
 * point to, what they contain, and freed memory that still holds a pointer to them.
 */
#pragma once

#include <heapcore/references.h>

HC_BEGIN_DECLS

typedef struct hc_suppressions hc_suppressions;
typedef struct hc_leaks hc_leaks;

typedef enum {
	HC_LEAK_LOST,	  /* the head is directly lost, the others of its tree indirectly */
	HC_LEAK_POSSIBLE, /* only pointers into the middle lead to the head */
	HC_LEAK_CLASS_COUNT,
} hc_leak_class;

/* "definitely lost", "possibly lost" */
const char *hc_leak_class_name(hc_leak_class class);

typedef enum {
	HC_LEAKS_BY_SHAPE, /* the head's type, or how its text begins, or its size and the libraries that its words lead to */
	HC_LEAKS_BY_SIZE,   /* the head's usable size */
	HC_LEAKS_BY_TYPE,   /* the head's type alone */
	HC_LEAKS_BY_MODULE, /* the library whose the tree most probably is */
} hc_leaks_grouping;

/* Reads "shape", "size", "type", "module". FALSE if it is none. */
bool hc_leaks_grouping_parse(const char *text, hc_leaks_grouping *ret_grouping);

typedef struct hc_leaks_options {
	hc_leaks_grouping grouping;
	bool no_mappings; /* do not look for mappings that nothing points to: saves one look at all memory */
	hc_suppressions *suppressions; /* whose uses are counted; must outlive the leaks; may be NULL */
} hc_leaks_options;

/* What a word at one place of the heads is, in most of them. */
typedef enum {
	HC_WORD_ZERO,
	HC_WORD_SMALL,	  /* a number below 2^32 in amount that leads nowhere */
	HC_WORD_HEAP,	  /* an address in malloc's heap */
	HC_WORD_MODULE,	  /* an address in the program or a library */
	HC_WORD_UNLOADED, /* where a library was that has been unloaded */
	HC_WORD_TEXT,	  /* printable bytes */
	HC_WORD_OTHER,
	HC_WORD_KIND_COUNT,
} hc_word_kind;

/* "zero", "number", "heap", "module", "unloaded", "text", "other" */
const char *hc_word_kind_name(hc_word_kind kind);

typedef struct hc_leak_word {
	hc_word_kind kind;
	const hc_module *module; /* of HC_WORD_MODULE; else NULL */
	hc_address value;	 /* of HC_WORD_MODULE, if most of the heads have the same one; else 0 */
	bool may_be_stale; /* of HC_WORD_MODULE: what the block's last owner left there, or of so few heads that they may agree by chance */
} hc_leak_word;

enum {
	HC_LEAK_WORDS_MAX = 32,
	HC_LEAK_EXAMPLES_MAX = 3
};

typedef struct hc_leak_size {
	uint64_t size;	 /* usable bytes */
	uint64_t blocks; /* of heads and of the rest */
} hc_leak_size;

/* A library (or the program) that the blocks of a group lead to. */
typedef struct hc_leak_module {
	const hc_module *module;
	uint64_t words;	   /* that point into it */
	uint64_t vtables;  /* of these, to a vtable, with which objects of the module begin */
	uint64_t evidence; /* heads that freed memory points to which points into it */
	bool is_common; /* most blocks of some size lead there with the word at one place, and it is none that their last owner may have left */
} hc_leak_module;

/* Memory that is dead, but still holds a pointer to a head: who knew it last. */
typedef struct hc_leak_evidence {
	bool on_stack;		 /* a dead frame; else a freed block */
	uint64_t size;		 /* of the freed block, usable bytes; 0 if that is not known any more */
	uint64_t offset;	 /* of the pointer in it */
	const hc_module *module; /* that the block points into, or the frame returns to; NULL: none */
	const char *type;	 /* of the freed block, demangled, untrusted; or NULL */
	bool by_others; /* module and type are those of live blocks of that size with a pointer at the same place */
	uint64_t heads; /* so many of the group */
} hc_leak_evidence;

typedef struct hc_leak_group {
	unsigned index;
	hc_leak_class class;
	uint64_t trees;		     /* heads */
	hc_amount heads;	     /* blocks, usable bytes */
	hc_amount others;	     /* that the heads lead to */
	uint64_t resident;	     /* bytes of both that were in memory; 0 if that is not known */
	uint64_t rings;		     /* heads that lead back to themselves: to their start, from another block */
	uint64_t holding_themselves; /* of these, heads that count references, all of which are in what they lead to */
	uint64_t unloaded; /* blocks that begin with a vtable where no mapping is: of a library that was unloaded */
	uint64_t gone; /* if all heads do: the vtable's place in its page, the same at any address; else UINT64_MAX */
	const char *type; /* demangled, untrusted; NULL if the heads have none in common */
	const char *
		beginning; /* what the heads' text begins with, digits as #, untrusted; NULL: none, or no content is kept */
	const char *sample;	   /* printable bytes of the first head, untrusted; NULL likewise */
	const hc_leak_size *sizes; /* most blocks first; the last may be size 0: all others */
	unsigned size_count;
	const hc_leak_module *modules; /* most probable owner first */
	unsigned module_count;
	const hc_leak_word *words; /* of the head; as far as most heads reach */
	unsigned word_count;
	const hc_leak_evidence *evidence; /* most heads first */
	unsigned evidence_count;
	hc_address examples[HC_LEAK_EXAMPLES_MAX]; /* the first heads; 0: no more */
	const char *suppression;		   /* the name of the one that it falls under; NULL: none */
} hc_leak_group;

/* What last pointed to lost blocks of a kind: the first hc_leak_evidence of theirs that tells a module. */
typedef struct hc_leak_kind_evidence {
	const char *module; /* NULL: there is none */
	bool on_stack, by_others;
	uint64_t size;
	const char *type;
} hc_leak_kind_evidence;

/*
 * Groups of one kind, which is the same in another core of the program, added up. What is told of one group only is of the first, that
 * with most bytes.
 */
typedef struct hc_leak_kind {
	const char *key;       /* the same for the same kind in another process */
	const char *type;      /* as of the group */
	const char *beginning; /* likewise */
	const char *sample;    /* the text of one of them; NULL: none, or no content is kept */
	const char *module;    /* whose they most probably are: hc_leak_group_owner(); NULL: nothing tells */
	hc_leak_kind_evidence evidence;
	bool is_unloaded; /* of a library that was unloaded: hc_leak_group_is_unloaded() */
	uint64_t trees;
	uint64_t rings, holding_themselves; /* of these */
	hc_amount amount;		    /* of whole trees */
	uint64_t resident;		    /* of its bytes, those that were in memory; 0 if that is not known */
	uint64_t head_size;		    /* usable bytes of most heads */
	uint64_t head_sizes;		    /* how many different ones are known */
} hc_leak_kind;

/* What valgrind would say, without what is suppressed. Usable bytes; their sum is all blocks in use. */
typedef struct hc_leaks_totals {
	hc_amount definitely_lost, indirectly_lost, possibly_lost, still_reachable, suppressed;
} hc_leaks_totals;

void hc_leaks_destroy(hc_leaks *leaks);
const hc_leaks_totals *hc_leaks_get_totals(const hc_leaks *leaks);

/* Those that are not suppressed first, definitely lost before possibly lost, then most bytes first. */
unsigned hc_leaks_group_count(const hc_leaks *leaks);
const hc_leak_group *hc_leaks_group(const hc_leaks *leaks, unsigned index);

/* Blocks and usable bytes of GROUP's trees as a whole. */
hc_amount hc_leak_group_amount(const hc_leak_group *group);

/*
 * Whether GROUP may be said to be MODULE's, one of its modules: half as many objects of the module as heads are in it, memory that was
 * freed tells so of heads that have it at one place, or most blocks lead there with the word at one and the same place, where nothing
 * says that they have it from their last owner. Words here and there are what blocks held before.
 */
bool hc_leak_group_is_of(const hc_leak_group *group, const hc_leak_module *module);

/* Whether GROUP is of a library that was unloaded; then it is no other module's. */
bool hc_leak_group_is_unloaded(const hc_leak_group *group);

/* Whose GROUP most probably is: the one name for all reports. NULL: nothing tells. */
const hc_module *hc_leak_group_owner(const hc_leak_group *group);

/* Anonymous memory that no word of a root, of a live block or of other anonymous memory that is alive points into. */
unsigned hc_leaks_mapping_count(const hc_leaks *leaks);
const hc_area *hc_leaks_mapping(const hc_leaks *leaks, unsigned index);

/*
 * Calls VISIT for every block of every tree, tree by tree in order of the heads' addresses, the head first. Stops when it
 * returns FALSE. FALSE if memory was out before the first call.
 */
typedef bool (*hc_leaks_visit)(
	const hc_block *block, hc_reach reach, hc_address head, const hc_leak_group *group, void *data);
bool hc_leaks_each_block(const hc_leaks *leaks, hc_leaks_visit visit, void *data);

/* ---- suppressions: known and accepted leaks ---- */

hc_suppressions *hc_suppressions_create(void);
void hc_suppressions_destroy(hc_suppressions *suppressions);

/*
 * Adds those of the file PATH: a group of a key file each, "[name]" with any of type=, module=, content= (patterns with * and ?)
 * and size= (SIZE or MIN..MAX, usable bytes of the head). All that a group says must hold. Fails with HC_ERROR_IO, or with
 * HC_ERROR_BAD_DATA if it is not such a file.
 */
bool hc_suppressions_add_file(hc_suppressions *suppressions, const char *path, GError **error);

unsigned hc_suppressions_count(const hc_suppressions *suppressions);
const char *hc_suppressions_name(const hc_suppressions *suppressions, unsigned index);

/* What fell under it: blocks and usable bytes of whole trees. */
hc_amount hc_suppressions_used(const hc_suppressions *suppressions, unsigned index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_leaks, hc_leaks_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_suppressions, hc_suppressions_destroy)

HC_END_DECLS
