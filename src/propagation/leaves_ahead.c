/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many elements whose containers hold nothing that has to be looked at: strings in a map, vectors of numbers in a vector.
 *
 * Of such a container nobody needs more than its blocks and its figures. Elements are cut into rows of some hundred; helpers walk all containers
 * of a row's elements, add their figures up, and write down which blocks they have, in order. The propagation then claims these
 * blocks, row by row, as if it had looked at one element after the other: a few instructions for each block. Sums do not depend on how they are
 * cut, and "the first that ..." is the first of the first row that has one.
 *
 * A row that has anything unusual (a container that is damaged, or not in the heap, or that begins in the middle of a block) is left to
 * who looks at each element in turn.
 */
#include "propagation/container_pieces.h"
#include "propagation/objects.h"
#include "propagation/walks_ahead.h"

#include <string.h>

enum {
	WINDOW = 16,
	ROW = 512,
	FEWEST = 2 * ROW, /* elements, or it is not worth it */
	PARTS_MAX = 16,
	PIECES_MAX = 1 << 18, /* of one row */
	FAR = 24,	      /* elements between fetching one, what it leads to, and walking it */
	NEAR = 12,
	SPAN_MAX = 512, /* bytes of an element that are fetched */
	DEPTH_MAX = 16	/* of objects within objects */
};

struct row {
	bool is_usual;
	uint64_t charged;
	hc_leaf_piece *pieces;
	unsigned piece_count, piece_room;
	hc_container_sums sums[PARTS_MAX]; /* by part */
};

struct leaves {
	hc_propagation *propagation;
	const hc_owner *element;
	hc_owner *containers[PARTS_MAX]; /* by part */
	const hc_address *addresses;
	uint64_t count, budget;
	struct row rows[WINDOW];
	hc_walk_record *records; /* one for each worker */
	hc_row_walks **straight; /* PARTS_MAX for each worker; NULL: walks like others */
	uint64_t first, span;	 /* bytes of an element that straight walks read; none if some part has another walk */
};

/* ---- by helpers ---- */

static void append_piece(struct row *row, const hc_leaf_piece *piece)
{
	if (G_UNLIKELY(row->piece_count == row->piece_room)) {
		row->piece_room = MAX(ROW, 2 * row->piece_room);
		row->pieces = g_renew(hc_leaf_piece, row->pieces, row->piece_room);
	}
	row->pieces[row->piece_count++] = *piece;
}

/* The blocks of RECORD, of part PART. FALSE: they are too many, or too large, or not blocks of their own. */
static bool note_pieces(const hc_propagation *propagation, const hc_walk_record *record, unsigned part, struct row *row)
{
	hc_address node = 0;
	uint64_t at = 0;

	if (record->offset_count || row->piece_count + record->number_count > PIECES_MAX)
		return false;
	for (uint64_t i = 0; i < record->run_count && !node; i++)
		node = record->runs[i].role == HC_MEMORY_NODE ? record->runs[i].address : 0;
	/* A container whose elements are its nodes is looked at in turn. */
	if (node && node == record->first_element)
		return false;
	for (uint64_t i = 0; i < record->run_count; i++) {
		const hc_piece_run *run = &record->runs[i];
		hc_leaf_piece piece = { .size = (uint32_t)run->size,
			.part = (uint16_t)part,
			.is_index = run->role == HC_MEMORY_INDEX,
			.is_plain = !node || run->size <= record->walk.element_size };

		if (run->size > UINT32_MAX)
			return false;
		for (uint64_t j = 0; j < run->count; j++, at++) {
			hc_leaf_piece own = piece;

			own.number = record->numbers[at];
			own.is_first = !at;
			own.is_plain |= !at && hc_pieces_is_whole(propagation, run->address, run->size);
			append_piece(row, &own);
		}
	}
	return true;
}

/* The container PART at ADDRESS, as a walk of any kind finds it. FALSE: it is not as they usually are. */
static bool walk_any(struct leaves *leaves, struct row *row, hc_reader *reader, hc_walk_record *record, unsigned part,
	hc_address address)
{
	const hc_part *p = &g_array_index(leaves->element->plan->parts, hc_part, part);

	hc_walk_record_reset(record);
	record->layout = p->layout;
	record->address = address;
	record->wants = (hc_record_wants){ false, false };
	hc_walk_record_make(record, reader, leaves->budget);
	if (record->failed || record->walk.grade == HC_GRADE_IMPLAUSIBLE ||
		!note_pieces(leaves->propagation, record, part, row))
		return false;
	row->charged += record->charged;
	hc_container_sums_add(&row->sums[part], address, &record->walk);
	return true;
}

/* The block of FOUND, of part PART. FALSE: it is too large. */
static bool note_row(struct row *row, unsigned part, const hc_row_found *found)
{
	const hc_leaf_piece piece = { .number = found->number,
		.size = (uint32_t)found->bytes,
		.part = (uint16_t)part,
		.is_first = true,
		.is_plain = true };

	if (!found->bytes)
		return true;
	if (found->bytes > UINT32_MAX || row->piece_count >= PIECES_MAX)
		return false;
	append_piece(row, &piece);
	return true;
}

/*
 * Whether it matters which container holds one of the blocks of ROW. Asked of all of them at once: then the processor waits for
 * many places of the bitmap at a time.
 */
static bool has_doubtful_piece(const hc_propagation *propagation, const struct row *row)
{
	bool any = false;

	for (unsigned i = 0; propagation->doubtful && i < row->piece_count; i++)
		any |= hc_bit(propagation->doubtful, row->pieces[i].number);
	return any;
}

/* The container PART of the element at ADDRESS. FALSE: it is not as they usually are. */
static bool look_at(struct leaves *leaves, struct row *row, unsigned worker, unsigned part, hc_address address)
{
	hc_row_walks *straight = leaves->straight[worker * PARTS_MAX + part];
	hc_row_found found;

	address += g_array_index(leaves->element->plan->parts, hc_part, part).offset;
	if (!hc_blocks_may_contain(leaves->propagation->blocks, address))
		return false;
	if (!straight || !hc_row_walks_make(straight, address, &found))
		return walk_any(leaves, row, hc_propagation_worker_reader(leaves->propagation, worker),
			&leaves->records[worker], part, address);
	if (found.charged > leaves->budget || !note_row(row, part, &found))
		return false;
	row->charged += found.charged;
	hc_container_sums_add(&row->sums[part], address, found.walk);
	return true;
}

static void fetch(const struct leaves *leaves, unsigned worker, hc_reader *reader, uint64_t i)
{
	const GArray *parts = leaves->element->plan->parts;

	if (i + FAR < leaves->count && leaves->span)
		hc_reader_fetch_bytes(reader, leaves->addresses[i + FAR] + leaves->first, leaves->span);
	else if (i + FAR < leaves->count)
		hc_reader_fetch(reader, leaves->addresses[i + FAR]);
	for (unsigned part = 0; part < parts->len && i + NEAR < leaves->count; part++) {
		hc_address address = leaves->addresses[i + NEAR] + g_array_index(parts, hc_part, part).offset;

		if (leaves->straight[worker * PARTS_MAX + part])
			hc_row_walks_fetch(leaves->straight[worker * PARTS_MAX + part], address);
		else
			hc_reader_fetch_target(reader, address);
	}
}

static void make_row(void *data, unsigned worker, uint64_t index)
{
	struct leaves *leaves = data;
	struct row *row = &leaves->rows[index % WINDOW];
	hc_reader *reader = hc_propagation_worker_reader(leaves->propagation, worker);
	uint64_t first = index * ROW, end = MIN(first + ROW, leaves->count);
	unsigned parts = leaves->element->plan->parts->len;

	row->is_usual = true;
	row->charged = 0;
	row->piece_count = 0;
	memset(row->sums, 0, sizeof row->sums);
	for (uint64_t i = first; i < end && row->is_usual; i++) {
		fetch(leaves, worker, reader, i);
		for (unsigned part = 0; part < parts && row->is_usual; part++)
			row->is_usual = look_at(leaves, row, worker, part, leaves->addresses[i]);
	}
	row->is_usual = row->is_usual && !has_doubtful_piece(leaves->propagation, row);
}

/* ---- by the propagation ---- */

static void take_row(struct leaves *leaves, hc_owner *element, uint64_t index)
{
	hc_propagation *propagation = leaves->propagation;
	const struct row *row = &leaves->rows[index % WINDOW];
	uint64_t first = index * ROW, end = MIN(first + ROW, leaves->count);

	if (!row->is_usual || element->cut || !hc_container_set_charge(propagation->types->set, row->charged)) {
		for (uint64_t i = first; i < end; i++)
			hc_propagation_look_at_nested(propagation, element, leaves->addresses[i]);
		return;
	}
	propagation->types->losses.objects += end - first;
	hc_pieces_claim_leaves(propagation, leaves->containers, row->pieces, row->piece_count);
	for (unsigned part = 0; part < element->plan->parts->len; part++) {
		hc_container_sums_give(&row->sums[part], leaves->containers[part]);
		element->sound += (uint32_t)row->sums[part].containers;
	}
}

/* Whether PART of ELEMENT is such a container; *RET_CONTAINER: its owner, which an element that was looked at has made. */
static bool is_leaf(hc_propagation *propagation, const hc_owner *element, unsigned part, hc_owner **ret_container)
{
	const hc_part *p = &g_array_index(element->plan->parts, hc_part, part);
	hc_record_wants wants;

	if (p->kind != HC_PART_CONTAINER || p->plan || !hc_layout_is_pure(p->layout) ||
		hc_type_get_kind(p->type) == HC_TYPE_ARRAY)
		return false;
	wants = hc_plans_wants(propagation->types->plans, p->layout);
	*ret_container = element->targets ? element->targets[part] : NULL;
	return !wants.element && !wants.mapped && *ret_container && *ret_container != element &&
	       (*ret_container)->layout == p->layout;
}

static bool are_leaves(hc_propagation *propagation, const hc_owner *element, hc_owner **ret_containers)
{
	unsigned parts = element->plan ? element->plan->parts->len : 0;

	if (!parts || parts > PARTS_MAX || propagation->depth >= DEPTH_MAX)
		return false;
	for (unsigned i = 0; i < parts; i++)
		if (!is_leaf(propagation, element, i, &ret_containers[i]))
			return false;
	return true;
}

/* What of an element is read if all of its parts have straight walks. */
static void find_span(struct leaves *leaves)
{
	const GArray *parts = leaves->element->plan->parts;
	uint64_t first = UINT64_MAX, end = 0;

	for (unsigned part = 0; part < parts->len; part++) {
		const hc_part *p = &g_array_index(parts, hc_part, part);

		if (!leaves->straight[part])
			return;
		first = MIN(first, p->offset);
		end = MAX(end, p->offset + hc_type_size(p->type));
	}
	leaves->first = first;
	leaves->span = end - first <= SPAN_MAX ? end - first : 0;
}

static void begin(struct leaves *leaves, unsigned workers)
{
	const GArray *parts = leaves->element->plan->parts;

	leaves->records = g_new(hc_walk_record, workers);
	leaves->straight = g_new0(hc_row_walks *, workers * PARTS_MAX);
	for (unsigned i = 0; i < workers; i++) {
		hc_reader *reader = hc_propagation_worker_reader(leaves->propagation, i);

		hc_walk_record_init(&leaves->records[i], NULL);
		for (unsigned part = 0; part < parts->len; part++)
			leaves->straight[i * PARTS_MAX + part] =
				hc_row_walks_create(g_array_index(parts, hc_part, part).layout, reader);
	}
	find_span(leaves);
}

static void end(struct leaves *leaves, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++)
		hc_walk_record_clear(&leaves->records[i]);
	for (unsigned i = 0; i < workers * PARTS_MAX; i++)
		hc_row_walks_destroy(leaves->straight[i]);
	g_free(leaves->straight);
	for (unsigned i = 0; i < WINDOW; i++)
		g_free(leaves->rows[i].pieces);
	g_free(leaves->records);
}

static void take_rows(struct leaves *leaves, hc_owner *element, hc_task_row *row)
{
	hc_lookahead *lookahead = hc_propagation_lookahead(leaves->propagation);

	for (uint64_t i = 0; i < row->count; i++) {
		hc_lookahead_release(lookahead, row, i);
		hc_lookahead_wait(lookahead, row, i);
		take_row(leaves, element, i);
	}
	hc_lookahead_end(lookahead, row);
}

bool hc_propagation_look_at_leaves(
	hc_propagation *propagation, hc_owner *element, const hc_address *addresses, uint64_t count)
{
	unsigned workers = hc_propagation_worker_count(propagation);
	g_autofree struct leaves *leaves = NULL;
	hc_task_row row = { .make = make_row, .count = (count + ROW - 1) / ROW, .window = WINDOW };

	if (count < FEWEST || !workers)
		return false;
	leaves = g_new0(struct leaves, 1);
	if (!are_leaves(propagation, element, leaves->containers))
		return false;
	row.data = leaves;
	leaves->propagation = propagation;
	leaves->element = element;
	leaves->addresses = addresses;
	leaves->count = count;
	leaves->budget = hc_container_set_budget(propagation->types->set);
	begin(leaves, workers);
	bool has_begun = hc_lookahead_begin(hc_propagation_lookahead(propagation), &row);

	if (has_begun)
		take_rows(leaves, element, &row);
	end(leaves, workers);
	return has_begun;
}
