/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who has much of the heap? Each owner that holds a tenth of what is in use is told: with the place where its memory piles up, if that
 * is a finding, else in a finding of its own. What an owner retains costs a graph of all references, and is looked at if that was made:
 * then owners are told as well that hold little, but without which a tenth would be unreachable.
 */
#include "findings/held.h"

#include <string.h>

enum {
	SHARE = 10,		/* a tenth */
	LEAST_BYTES = 64 << 10, /* less is nobody's problem */
};

struct suspecting {
	const hc_findings_input *input;
	const GArray *tree;
	uint64_t in_use, least;
	GHashTable *rows; /* of owners, that were told */
};

/* The row of the owner that HELD begins at; NULL: what is retained was not asked for. */
static const hc_owner_row *row_of(const struct suspecting *suspecting, const hc_held *held)
{
	const hc_ownership *ownership = suspecting->input->ownership;

	return ownership ? hc_ownership_row(ownership, hc_ownership_row_of_path(ownership, held->path)) : NULL;
}

static void note_accumulation(const hc_ownership *ownership, const hc_owner_row *row, hc_finding_suspect *suspect)
{
	const hc_owner_accumulation *accumulation = &row->accumulation;

	if (!accumulation->is_found)
		return;
	suspect->accumulation = *accumulation;
	if (accumulation->row != HC_OWNER_NO_ROW)
		suspect->accumulates_at = g_strdup(hc_ownership_row(ownership, accumulation->row)->text);
}

/* The type of most that hangs on HELD, which begins a path: of several places with its text (a pointer, what it points to) the last. */
static char *type_of(const struct suspecting *suspecting, const hc_held *held, const char *text)
{
	const hc_types *types = suspecting->input->types;

	for (uint32_t next = held->heaviest; next != HC_HELD_NONE; next = held->heaviest) {
		const hc_held *child = hc_held_get(suspecting->tree, next);
		g_autofree char *below = hc_types_path_text(types, child->path);

		if (strcmp(below, text))
			break;
		held = child;
	}
	return hc_types_path_type_name(types, held->path);
}

static hc_finding_suspect make_suspect(const struct suspecting *suspecting, const hc_held *held)
{
	const hc_types *types = suspecting->input->types;
	const hc_owner_row *row = row_of(suspecting, held);
	char *owner = hc_types_path_text(types, held->path);
	hc_finding_suspect suspect = {
		.owner = owner,
		.type = type_of(suspecting, held, owner),
		.threads = held->threads,
		.basis = held->is.variable ? HC_OWNER_BY_TYPE :
			 held->is.root	   ? HC_OWNER_BY_POINTERS :
					     HC_OWNER_BY_CONTENT,
		.certainty = held->is.certainty,
		.holds = held->is.below,
		.in_use = suspecting->in_use,
		.has_retained = row && row->has_retained,
		.retained = row ? row->retained : 0,
		.mostly_untyped = row && hc_owner_row_is_mostly_untyped(row),
	};

	hc_types_path_where(types, held->path, &suspect.where);
	if (row)
		note_accumulation(suspecting->input->ownership, row, &suspect);
	return suspect;
}

static bool is_suspect(const struct suspecting *suspecting, const hc_held *held)
{
	const hc_owner_row *row = row_of(suspecting, held);

	return held->is.below.bytes >= suspecting->least || (row && row->retained >= suspecting->least);
}

/* Variables of one name, of which one thread has most, are several in the tree, and one row: what that retains is told once. */
static bool was_told(const struct suspecting *suspecting, const hc_held *held)
{
	const hc_owner_row *row = row_of(suspecting, held);

	return row && !g_hash_table_add(suspecting->rows, (gpointer)row);
}

static void add_finding(const hc_finding_suspect *suspect, hc_findings *findings)
{
	hc_finding finding = {
		.kind = HC_FINDING_SUSPECT,
		.bytes = MAX(suspect->holds.bytes, suspect->retained),
		.blocks = suspect->holds.blocks,
		.suspect = *suspect,
	};

	hc_findings_add(findings, &finding);
}

void hc_suspects_add(const hc_findings_input *input, const GArray *tree, const uint32_t *told, uint64_t in_use,
	hc_findings *findings)
{
	struct suspecting suspecting = {
		.input = input,
		.tree = tree,
		.in_use = in_use,
		.least = MAX(in_use / SHARE, LEAST_BYTES),
		.rows = g_hash_table_new(NULL, NULL),
	};

	for (uint32_t i = 0; i < tree->len; i++) {
		const hc_held *held = hc_held_get(tree, i);

		if (held->parent != HC_HELD_NONE || !is_suspect(&suspecting, held) || was_told(&suspecting, held))
			continue;
		hc_finding_suspect suspect = make_suspect(&suspecting, held);

		if (told[i])
			g_array_index(findings->list, hc_finding, told[i] - 1).place.suspect = suspect;
		else
			add_finding(&suspect, findings);
	}
	g_hash_table_unref(suspecting.rows);
}
