/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One class, two layouts: what two parts of the program know by one name, and see differently, as after an upgrade that rebuilt only some of
 * its libraries. What debug info and symbols say, and what it did to this heap.
 */
#pragma once

#include <heapcore/blocks.h>
#include <heapcore/debuginfo.h>
#include <heapcore/sites.h>

HC_BEGIN_DECLS

typedef enum {
	HC_ABI_CLASS,  /* a struct, class or union: size, members, bases, virtual functions */
	HC_ABI_ENUM,   /* an enum: its size, and the values of its names */
	HC_ABI_VTABLE, /* vtables of one class with different lengths: by their symbols, without debug info */
	HC_ABI_ALLOCATION, /* a class for which another module allocates less than it has: by its code, without debug info of it */
	HC_ABI_DECLARATION, /* a function of C that one module calls by another declaration than it is defined with in another */
	HC_ABI_KIND_COUNT,
} hc_abi_kind;

const char *hc_abi_kind_name(hc_abi_kind kind); /* "class", "enum", "vtable", "allocation", "function": for JSON */

/* Why two definitions are said to be of one class. */
typedef enum {
	HC_ABI_SAME_LINKAGE, /* certain: the linker has one name for a member function, or the vtable, of both; of a function, it has led calls there */
	HC_ABI_SAME_FILE,    /* deduced: files of one name declare it, and most members are in both */
	HC_ABI_SAME_COUNT,
} hc_abi_same;

const char *hc_abi_same_name(hc_abi_same same); /* "linkage", "file": for JSON */

typedef enum {
	HC_ABI_MEMBER,
	HC_ABI_BASE,
	HC_ABI_FUNCTION, /* a virtual one */
	HC_ABI_ENUMERATOR,
	HC_ABI_PARAMETER, /* of a function */
	HC_ABI_PART_COUNT,
} hc_abi_part;

const char *hc_abi_part_name(hc_abi_part part); /* "member", "base", "function", "enumerator", "parameter": for JSON */

/* What one side knows of a part. */
typedef struct hc_abi_place {
	bool is_known;	     /* FALSE: it has no such part */
	uint64_t
		offset; /* of members and bases, in bytes; of a function its slot of the vtable; of a parameter its number, from 0 on */
	unsigned bit_offset; /* of a bit field: the least significant bit, from `offset` on */
	unsigned bit_size;   /* of a bit field; 0: it is none */
	uint64_t size;	     /* of members, bases and parameters, in bytes */
	bool is_virtual;     /* a virtual base: its offset is not known */
	int64_t value;	     /* of enumerators */
	const hc_type *type; /* of members, bases and parameters */
} hc_abi_place;

/* A part that is elsewhere, or something else, on the other side, or not there at all. */
typedef struct hc_abi_change {
	hc_abi_part part;
	const char *name; /* untrusted; NULL: a parameter's that is not known */
	hc_abi_place sides[2];
} hc_abi_change;

enum {
	HC_ABI_MODULES_MAX = 8
};

/* One of the two layouts. */
typedef struct hc_abi_side {
	const hc_module
		*modules[HC_ABI_MODULES_MAX]; /* the first that have it; where one has both layouts, that comes first */
	unsigned module_count;		      /* that have it, which may be more */
	const char *unit;	 /* the source file that was compiled with it: the first; NULL: not known. Untrusted */
	const char *declared;	 /* the file that it is declared in; NULL: not known. Untrusted */
	unsigned line;
	const hc_type *type; /* NULL: by its symbol, or its code, alone; a function */
	uint64_t size;	     /* of the class, or the vtable, in bytes; of what is allocated; of a function 0 */
	unsigned parts;	     /* members (bases not counted), enumerators, or parameters */
	hc_amount fits;	     /* blocks in use of this class that malloc gave for this size, and not for the other */
} hc_abi_side;

/* What tells that lost blocks hang on what one side does not know. */
typedef enum {
	HC_ABI_LOST_BY_FREED, /* memory that was freed, of the size of the class, still points to them from there */
	HC_ABI_LOST_BY_LIKES, /* they begin as blocks do that live objects have there, and hardly any others; or are of their size, too */
	HC_ABI_LOST_COUNT,
} hc_abi_lost;

const char *hc_abi_lost_name(hc_abi_lost lost); /* "freed", "likes": for JSON */

enum {
	HC_ABI_HOLDERS_MAX = 4,
	HC_ABI_HEADS_MAX = 64,
};

/*
 * Two layouts of one name. sides[0] is the larger one, or has more parts; of a function the definition. A class of more layouts has several: each with that one.
 */
typedef struct hc_abi_difference {
	hc_abi_kind kind;
	hc_abi_same same;
	const char *name; /* untrusted */
	hc_abi_side sides[2];
	const hc_abi_change *changes; /* in the order of sides[0], then what only the other side has */
	unsigned change_count;

	/* Of HC_ABI_ALLOCATION a call of the second side, and where it is; else NULL. */
	const hc_site *site;
	const hc_site_place *place;

	/* What it did to this heap; looked for where hc_abi_options say so. */
	hc_amount objects; /* blocks in use of this class, of any size */
	hc_amount lost
		[HC_ABI_LOST_COUNT]; /* lost blocks on what only one side knows, with what hangs on them; each block counts once */
	const char *holders[HC_ABI_HOLDERS_MAX]; /* the members that these hang on, most bytes first. Untrusted */
	unsigned holder_count;			 /* so many; 0: nothing hangs there */
	unsigned holder_side;			 /* that knows them */
	uint64_t trees;				 /* lost blocks that hung on these members themselves */
	const hc_address *heads;		 /* the first HEAD_COUNT of these */
	const uint64_t *head_sizes;		 /* usable bytes of each */
	unsigned head_count;
	const hc_module *owner; /* whose all these are by other evidence (hc_leak_group_owner()); NULL: not known */
	uint64_t overrun;     /* damaged places behind blocks that fit sides[1] alone */
} hc_abi_difference;

/* Lost blocks of DIFFERENCE by all evidence. */
static inline hc_amount hc_abi_all_lost(const hc_abi_difference *difference)
{
	hc_amount amount = difference->lost[HC_ABI_LOST_BY_FREED];

	amount.blocks += difference->lost[HC_ABI_LOST_BY_LIKES].blocks;
	amount.bytes += difference->lost[HC_ABI_LOST_BY_LIKES].bytes;
	return amount;
}

typedef struct hc_abi_options {
	bool sizes_only; /* only classes whose sizes differ: faster */
	bool no_code;	 /* no code is read: nothing of HC_ABI_ALLOCATION is found */
} hc_abi_options;

typedef struct hc_abi_totals {
	unsigned modules;   /* of the program's own that have debug info */
	uint64_t names;	    /* of classes and enums that have several definitions, which were compared */
	uint64_t
		functions; /* of C that one module calls and another defines, with debug info of both: these were compared; once for each that calls */
	uint64_t unrelated; /* of `names`, those whose definitions differ, but nothing says that one class is meant */
	uint64_t standard; /* of `names`, the standard library's that differ in nothing but how they are put together */
} hc_abi_totals;

typedef struct hc_abi hc_abi;
void hc_abi_destroy(hc_abi *abi); /* NULL is fine */

const hc_abi_totals *hc_abi_get_totals(const hc_abi *abi);

/* Most lost bytes first, then most damage, then most objects, then by name. */
unsigned hc_abi_count(const hc_abi *abi);
const hc_abi_difference *hc_abi_get(const hc_abi *abi, unsigned index);

/*
 * Which calls may have made the lost blocks that hung on DIFFERENCE's members, and where these are in the source. If one module alone knows the
 * members, they are looked for there. FALSE: there are none. Free *RET_ANSWER with hc_site_answer_clear().
 */
bool hc_abi_ask_sites(const hc_abi_difference *difference, hc_sites *sites, hc_site_answer *ret_answer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(hc_abi, hc_abi_destroy)

HC_END_DECLS
