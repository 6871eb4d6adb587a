/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one function does with memory that it allocates: flow.c. */
#pragma once

#include "sites/steps.h"

#include <glib.h>

/* What is known of a value. */
enum value_kind {
	VALUE_UNKNOWN,	/* scale * something + add; scale 0: nothing is known */
	VALUE_NUMBER,	/* add */
	VALUE_ADDRESS,	/* add: an offset in the module */
	VALUE_WORD,	/* what the word at offset `index` of the module holds, + add */
	VALUE_ARGUMENT, /* argument `index` that the function was called with, from 0 on, * scale + add */
	VALUE_STACK,	/* the stack pointer as it was at the function's beginning, + add */
	VALUE_RESULT, /* what the allocating call at offset `index` has given, + add; scale: the bytes that it makes, if it is a maker's */
};

struct value {
	uint8_t kind;
	uint32_t index;
	int64_t scale, add;
};

/* A value that is stored into an object. */
struct flow_store {
	int64_t offset; /* in the object */
	uint8_t width;
	struct value
		value; /* VALUE_NUMBER, VALUE_ADDRESS, VALUE_WORD, VALUE_RESULT, VALUE_ARGUMENT; or VALUE_UNKNOWN */
};

/* A function that is called with the object as its first argument. */
struct flow_use {
	uint32_t at;
	int64_t offset;	     /* of what is handed on, in the object */
	struct value callee; /* VALUE_ADDRESS or VALUE_WORD */
};

/* What a function does to its first argument, or one call's result: both in the order of the code. */
struct flow_object {
	GArray *stores; /* of struct flow_store */
	GArray *uses;	/* of struct flow_use */
	bool is_cut;	/* more was done than is kept */
};

/* A function that allocates. Numbers of arguments are from 0 on; -1: there is none. */
struct allocator {
	const char *name;   /* as the linker has it, or NULL */
	const char *called; /* as people do; or NULL */
	int size, count;
	int64_t scale, add; /* it allocates size * count * scale + add */
	bool is_pool;
	bool gives_result; /* the address is what it returns */
	bool is_wrapper;   /* found by its code, not by its name */
	bool is_maker; /* its own argument is not the size: calls of it are no sites, but what it returns is a block, ... */
	uint64_t makes; /* ... of so many bytes; 0: not known */
};

/* A call of one. */
struct flow_call {
	uint32_t at, next;
	const struct allocator *allocator;
	bool is_jump;
	bool is_returned;   /* the function returns what it was given */
	bool is_never_made; /* all ways to it lead over a call that was never made, or it is one */
	struct value size;  /* of what it allocates; VALUE_NUMBER, VALUE_ARGUMENT, VALUE_UNKNOWN */
	int count_argument; /* VALUE_ARGUMENT: that it is multiplied with; -1: none */
	struct flow_object object;
};

/* Which allocator a call leads to: CALLEE is VALUE_ADDRESS or VALUE_WORD. NULL: none. */
typedef const struct allocator *(*flow_find)(const void *data, const struct value *callee);

/* Whether no call of CALLEE that comes back was ever made. */
typedef bool (*flow_is_never_called)(const void *data, const struct value *callee);

struct flow_code {
	const uint8_t *bytes; /* of [start, end) */
	uint32_t start, end;  /* offsets in the module */
	flow_find find;
	flow_is_never_called is_never_called; /* NULL: nothing is known of that */
	const void *data;
	bool is_entered; /* it is called: its arguments are arguments. A part of a function that lies elsewhere is not */
};

struct flow;				       /* what one thread needs; used again and again */
struct flow *hc_flow_create(unsigned machine); /* NULL: code of this machine is not read */
void hc_flow_destroy(struct flow *flow);

/*
 * Follows values through CODE. Adds the calls of allocators to CALLS (of struct flow_call; NULL: they are of no interest), what is done
 * with the first argument to *ARGUMENT (may be NULL). Bytes that could not be decoded are added to *UNREAD. FALSE: too much code for one
 * function, nothing was read.
 */
bool hc_flow_run(
	struct flow *flow, const struct flow_code *code, GArray *calls, struct flow_object *argument, uint64_t *unread);

void hc_flow_object_init(struct flow_object *object);
void hc_flow_object_clear(struct flow_object *object);
