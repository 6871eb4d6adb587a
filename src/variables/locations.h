/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where variables are: DWARF's location descriptions (DWARF 5, 2.5 and 2.6), evaluated in a frame
 * of the dead process.
 *
 *	expressions.c  operations -> pieces; arithmetic.c: those on the stack
 *	locations.c    a DIE's attribute -> operations -> pieces -> a variable's state, address, bytes; what expressions ask
 *		       of the frame: its base, its caller's call
 *	locals.c       a frame -> DIEs of the variables in scope
 */
#pragma once

#include "variables/variables_state.h"

enum {
	HC_PIECES_MAX = 64,
	HC_EVALUATION_STEPS = 10000, /* operations, of all that one variable needs */
	HC_EVALUATION_DEPTH = 24 /* values at the entry of a caller that come from the entry of its caller, and so on */
};

/* ---- evaluation ---- */

/* What an expression is evaluated in. Zero but what is said. */
typedef struct hc_evaluation {
	hc_variables *variables;
	const hc_module *module; /* that the expression is of */
	Dwarf_Addr bias;	 /* of its debug info */
	const GArray *frames;	 /* of hc_frame_registers; NULL: in no frame */
	unsigned frame;
	Dwarf_Die function; /* that the frame is of; addr NULL: not known */
	unsigned thread;    /* whose thread-locals; UINT_MAX: nobody's */

	unsigned *steps; /* left */
	unsigned depth;
	bool is_caller;	  /* of another one, which asks what it was called with */
	bool needs_whole; /* no unit is read alone */
	bool *used_part;  /* set if one was; NULL: nobody wants to know */

	/* Of the frame, kept for its next variable. */
	bool has_base, has_cfa;
	uint64_t base, cfa;

	/* Why it failed. */
	hc_variable_state state;
	const char *reason;
} hc_evaluation;

/* FALSE, after noting why. */
static inline bool hc_evaluation_fail(hc_evaluation *evaluation, hc_variable_state state, const char *reason)
{
	evaluation->state = state;
	evaluation->reason = reason;
	return false;
}

typedef enum {
	HC_PIECE_MISSING,
	HC_PIECE_MEMORY,
	HC_PIECE_REGISTER,
	HC_PIECE_VALUE,
	HC_PIECE_BYTES,
} hc_piece_kind;

/* A part of a variable, and where it is. */
typedef struct hc_piece {
	hc_piece_kind kind;
	hc_variable_state state; /* of MISSING: why, as in hc_variable */
	const char *reason;
	uint64_t value;	      /* of MEMORY the address, of REGISTER and VALUE what it is */
	unsigned value_size;  /* bytes of VALUE and REGISTER, at most 8 */
	const uint8_t *bytes; /* of BYTES; in the debug info */
	uint64_t byte_count;
	uint64_t bit_size;   /* how much of the variable; 0: all of it */
	uint64_t bit_offset; /* in what is there, from the least significant bit or the first byte on */
} hc_piece;

typedef struct hc_location {
	hc_piece pieces[HC_PIECES_MAX]; /* in the order of the variable's bytes */
	unsigned count;			/* at least 1 */
	bool is_composite;
} hc_location;

/*
 * Evaluates COUNT OPERATIONS as a location description. ATTRIBUTE is where they come from; NULL:
 * from call frame information. FALSE with evaluation->state and ->reason if there is no answer.
 */
bool hc_dwarf_expression_locate(hc_evaluation *evaluation, Dwarf_Attribute *attribute, const Dwarf_Op *operations,
	size_t count, hc_location *ret_location);

/*
 * The same for what is a value: the address or value that is left at the end, or what is in the
 * register.
 */
bool hc_dwarf_expression_value(hc_evaluation *evaluation, Dwarf_Attribute *attribute, const Dwarf_Op *operations,
	size_t count, uint64_t *ret_value);

/* ---- what expressions ask of locations.c ---- */

bool hc_evaluation_frame_base(hc_evaluation *evaluation, uint64_t *ret_value);
bool hc_evaluation_cfa(hc_evaluation *evaluation, uint64_t *ret_value);

/*
 * The value that register NUMBER had when the frame's function was entered, from what its caller
 * says of the call.
 */
bool hc_evaluation_entry_value(hc_evaluation *evaluation, unsigned number, uint64_t *ret_value);

/* The address of what DIE is, which must be in memory. */
bool hc_evaluation_address_of(hc_evaluation *evaluation, Dwarf_Die *die, uint64_t *ret_address);

/*
 * An evaluation of what is in frame FRAME of FRAMES; the function is found. STEPS must outlive it.
 */
void hc_evaluation_init(hc_evaluation *evaluation, hc_variables *variables, const hc_module *module,
	const GArray *frames, unsigned frame, unsigned *steps);

/* As hc_variable_locate(), in an evaluation that is there. */
void hc_evaluation_place(hc_evaluation *evaluation, Dwarf_Die *die, hc_variable *variable);

/* True if DIE, a variable in a function, is a static one: it has an address of its own. */
bool hc_variable_is_static(Dwarf_Die *die);

/*
 * copy_relocations.c: moves VARIABLE, which has one place, to where the program has its copy of it,
 * if it has one.
 */
void hc_variable_follow_copy(hc_variables *variables, const hc_module *module, Dwarf_Die *die, hc_variable *variable);
