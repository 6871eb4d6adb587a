/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many elements that hold nothing but blocks, and pointers that wait: strings in a map, vectors of numbers in a vector, unique_ptrs to objects
 * of strings, maps and pointers.
 *
 * Of such a container nobody needs more than its blocks and its figures; of an object that a smart pointer holds, whose it becomes, and which
 * pointers wait to be followed. What an element has is told by its type: members, and of each smart pointer those of its object. Elements
 * are cut into rows of some hundred; helpers walk all containers of a row's elements, add their figures up, and write down which blocks they
 * have, which objects there are, and which pointers, each in order. The propagation then claims these blocks, row by row, as if it
 * had looked at one element after the other: a few instructions for each block. Sums do not depend on how they are cut, and "the
 * first that ..." is the first of the first row that has one.
 *
 * A row that has anything unusual (a container that is damaged, or not in the heap, or that begins in the middle of a block; an object whose
 * block is larger than one) is left to who looks at each element in turn. So is one of whose objects somebody has the block already: all
 * blocks of a row with objects must be nobody's, or what was claimed for it is taken back. Then it does not matter who comes first.
 */
#include "propagation/container_pieces.h"
#include "propagation/objects.h"
#include "propagation/walks_ahead.h"

#include "base/parallel.h"

#include <string.h>

enum {
	WINDOW = 16,
	ROW = 512,
	FEWEST = 2 * ROW, /* elements, or it is not worth it */
	MEMBERS_MAX = 32,
	LEVELS_MAX = 4,	      /* of objects that hold each other */
	PIECES_MAX = 1 << 18, /* of one row */
	/* elements between fetching one, what it leads to, what that leads to, and walking it */
	FAR = 32,
	MIDDLE = 22,
	NEAR = 12,
	SPAN_MAX = 512,	 /* bytes of an element, or an object, that are fetched */
	AHEAD = 24,	 /* objects between fetching who has one, and claiming it */
	DEPTH_MAX = 16,	 /* of objects within objects, where elements are looked at */
	MISSED_LEAST = 8 /* rows that were of no use, before it is given up; and more than half */
};

typedef enum {
	LEAF,	/* a container that has nothing but blocks */
	HOLDER, /* a smart pointer: its object has members, which are here, too */
	POINTER
} member_kind;

struct member {
	member_kind kind;
	const hc_part *part; /* of the plan of `owner` */
	uint32_t index;	     /* of that */
	hc_owner *owner;     /* of the object that it is a member of */
	hc_owner *container; /* its own */
	uint64_t size;	     /* of the container */
	/* of a holder */
	hc_owner *object;
	uint64_t object_size;
	unsigned first, count; /* of the object: members */
	/* of a pointer */
	hc_certainty certainty;
};

/* An object that a smart pointer holds. */
struct object {
	uint64_t granule;
	uint32_t number; /* of its block */
	uint32_t member;
};

struct pointer {
	hc_edge edge;
	hc_certainty certainty;
};

struct row {
	bool is_usual;
	uint64_t charged, looked_at; /* looked_at: objects */
	hc_leaf_piece *pieces;
	unsigned piece_count, piece_room;
	struct object *objects;
	unsigned object_count, object_room;
	struct pointer *pointers;
	unsigned pointer_count, pointer_room;
	hc_container_sums sums[MEMBERS_MAX];
};

/* Walks of one member; all NULL: it walks like others. */
struct straight {
	hc_row_walks *rows;
	hc_tree_walks *trees;
	hc_object_walks *objects;
};

/* What one worker walks with. */
struct own {
	_Alignas(HC_APART) hc_walk_record record;
	struct straight straight[MEMBERS_MAX];
};

struct leaves {
	hc_propagation *propagation;
	const hc_owner *element;
	struct member members[MEMBERS_MAX];
	unsigned member_count, root_count; /* roots: the element's own, which come first */
	bool has_more;			   /* than blocks of containers: objects, or pointers */
	const hc_address *addresses;
	uint64_t count, budget;
	unsigned missed;
	struct row rows[WINDOW];
	struct own *own;      /* of each worker */
	uint64_t first, span; /* bytes of an element that straight walks read; none if some member has another walk */
};

/* A member that is being looked at, by a worker. */
struct looking {
	struct leaves *leaves;
	struct row *row;
	hc_reader *reader;
	struct own *own; /* the worker's */
};

/* ---- by helpers ---- */

/* TABLE with room for one more than COUNT. */
static void *make_room(void *table, unsigned count, unsigned *room, size_t size)
{
	if (G_LIKELY(count < *room))
		return table;
	*room = MAX(ROW, 2 * *room);
	return g_realloc_n(table, *room, size);
}

static void append_piece(struct row *row, const hc_leaf_piece *piece)
{
	row->pieces = make_room(row->pieces, row->piece_count, &row->piece_room, sizeof *piece);
	row->pieces[row->piece_count++] = *piece;
}

/* The blocks of RECORD, of member MEMBER. FALSE: they are too many, or too large, or not blocks of their own. */
static bool note_pieces(
	const hc_propagation *propagation, const hc_walk_record *record, unsigned member, struct row *row)
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
			.part = (uint16_t)member,
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

/* The container MEMBER at ADDRESS, as a walk of any kind finds it; NULL: it is not as they usually are. */
static const hc_walk_record *record_any(const struct looking *at, unsigned member, hc_address address)
{
	const struct member *m = &at->leaves->members[member];
	hc_walk_record *record = &at->own->record;

	hc_walk_record_reset(record);
	record->layout = m->part->layout;
	record->address = address;
	record->wants = (hc_record_wants){ m->kind == HOLDER, false };
	hc_walk_record_make(record, at->reader, at->leaves->budget);
	if (record->failed || record->walk.grade == HC_GRADE_IMPLAUSIBLE)
		return NULL;
	at->row->charged += record->charged;
	hc_container_sums_add(&at->row->sums[member], address, &record->walk);
	return record;
}

/* The block of FOUND, of member MEMBER. FALSE: it is too large. */
static bool note_row(struct row *row, unsigned member, const hc_row_found *found)
{
	const hc_leaf_piece piece = { .number = found->number,
		.size = (uint32_t)found->bytes,
		.part = (uint16_t)member,
		.is_first = true,
		.is_plain = true };

	if (!found->bytes)
		return true;
	if (found->bytes > UINT32_MAX || row->piece_count >= PIECES_MAX)
		return false;
	append_piece(row, &piece);
	return true;
}

/* The blocks of FOUND, of member MEMBER. FALSE: they are too many, or too large. */
static bool note_tree(const hc_propagation *propagation, struct row *row, unsigned member, const hc_tree_found *found)
{
	hc_leaf_piece piece = { .size = (uint32_t)found->node_size, .part = (uint16_t)member };

	if (found->node_size > UINT32_MAX || row->piece_count + found->count > PIECES_MAX)
		return false;
	for (unsigned i = 0; i < found->count; i++) {
		piece.number = found->numbers[i];
		piece.is_first = !i;
		piece.is_plain = !i && hc_pieces_is_whole(propagation, found->first, found->node_size);
		append_piece(row, &piece);
	}
	return true;
}

/* WALK, of member MEMBER, is a sound container at ADDRESS, for which CHARGED bytes were looked at. FALSE: that is too much. */
static bool note_walk(
	const struct looking *at, unsigned member, hc_address address, const hc_walk *walk, uint64_t charged)
{
	if (charged > at->leaves->budget)
		return false;
	at->row->charged += charged;
	hc_container_sums_add(&at->row->sums[member], address, walk);
	return true;
}

static bool look_at_leaf(const struct looking *at, unsigned member, hc_address address)
{
	const struct straight *straight = &at->own->straight[member];
	const hc_propagation *propagation = at->leaves->propagation;
	const hc_walk_record *record;
	hc_row_found row;
	hc_tree_found tree;

	if (straight->rows && hc_row_walks_make(straight->rows, address, &row))
		return note_walk(at, member, address, row.walk, row.charged) && note_row(at->row, member, &row);
	if (straight->trees && hc_tree_walks_make(straight->trees, address, &tree))
		return note_walk(at, member, address, tree.walk, tree.charged) &&
		       note_tree(propagation, at->row, member, &tree);
	record = record_any(at, member, address);
	return record && note_pieces(propagation, record, member, at->row);
}

/* What the smart pointer MEMBER at ADDRESS holds; 0: nothing. FALSE: it is not as they usually are. */
static bool find_object(const struct looking *at, unsigned member, hc_address address, hc_address *ret_object)
{
	hc_object_walks *straight = at->own->straight[member].objects;
	const hc_walk_record *record;
	hc_object_found found;

	if (straight && hc_object_walks_make(straight, address, &found)) {
		hc_container_sums_add(&at->row->sums[member], address, found.walk);
		*ret_object = found.object;
		return true;
	}
	record = record_any(at, member, address);
	if (!record || record->lists[0].count > 1 || record->offset_count)
		return false;
	for (uint64_t i = 0; i < record->run_count; i++)
		if (record->runs[i].role == HC_MEMORY_INDEX)
			return false;
	*ret_object = record->lists[0].count ? record->lists[0].addresses[0] : 0;
	return !*ret_object || record->walk.element == at->leaves->members[member].object->type;
}

/* What a pointer to an object of MEMBER at ADDRESS leads to, as hc_propagation_reach() sees it. FALSE: to more, or less, than a block for it. */
static bool note_object(const struct looking *at, unsigned member, hc_address address)
{
	const struct member *m = &at->leaves->members[member];
	const hc_propagation *propagation = at->leaves->propagation;
	struct row *row = at->row;
	hc_spot spot;

	if (!hc_propagation_locate(propagation, address, &spot) || spot.address != address ||
		spot.region->region.is_mmapped || hc_parcels_is_nobodys(propagation->types->parcels, address))
		return false;
	uint64_t usable = hc_blocks_usable_size(propagation->blocks, spot.region, address);

	if (usable >= 2 * m->object_size || !hc_propagation_fits(propagation, usable, m->object_size))
		return false;
	row->objects = make_room(row->objects, row->object_count, &row->object_room, sizeof *row->objects);
	row->objects[row->object_count++] = (struct object){ spot.granule, spot.number, member };
	return true;
}

static bool look_at_pointer(const struct looking *at, const struct member *member, hc_address holder)
{
	struct row *row = at->row;
	uint64_t value;

	if (!hc_reader_load(at->reader, holder + member->part->offset, &value))
		return false;
	if (!value)
		return true;
	row->pointers = make_room(row->pointers, row->pointer_count, &row->pointer_room, sizeof *row->pointers);
	row->pointers[row->pointer_count++] = (struct pointer){
		{ .value = value, .holder = holder, .owner = member->owner->number, .part = member->index },
		member->certainty
	};
	return true;
}

/* Members FIRST to FIRST + COUNT of the object at ADDRESS. FALSE: they are not as they usually are. No deeper than add_members() went. */
static bool look_at_members(const struct looking *at, unsigned first, unsigned count, hc_address address)
{
	const struct leaves *leaves = at->leaves;
	hc_address object = 0;

	if (!hc_blocks_may_contain(leaves->propagation->blocks, address))
		return false;
	at->row->looked_at++;
	for (unsigned i = first; i < first + count; i++) {
		const struct member *member = &leaves->members[i];
		hc_address place = address + member->part->offset;

		if (member->kind == POINTER  ? !look_at_pointer(at, member, address) :
			member->kind == LEAF ? !look_at_leaf(at, i, place) :
					       !find_object(at, i, place, &object))
			return false;
		if (member->kind != HOLDER || !object)
			continue;
		/* What it keeps in itself is no object of its own. */
		if (object - place < member->size || !note_object(at, i, object) ||
			(member->count && !look_at_members(at, member->first, member->count, object)))
			return false;
	}
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
	for (unsigned i = 0; propagation->doubtful && i < row->object_count; i++)
		any |= hc_bit(propagation->doubtful, row->objects[i].number);
	return any;
}

/* What the container MEMBER at ADDRESS, which is at hand, leads to is fetched. */
static void fetch_member(const struct looking *at, unsigned member, hc_address address)
{
	const struct member *m = &at->leaves->members[member];
	const struct straight *straight = &at->own->straight[member];
	uint64_t word = at->leaves->propagation->format.size;
	hc_address object;

	if (straight->rows)
		hc_row_walks_fetch(straight->rows, address);
	else if (m->kind == LEAF)
		for (uint64_t i = 0; i + word <= m->size && i < SPAN_MAX; i += word)
			hc_reader_fetch_target(at->reader, address + i);
	else if (m->kind == HOLDER && hc_reader_load(at->reader, address, &object)) {
		hc_reader_fetch(at->reader, object);
		hc_reader_fetch_bytes(at->reader, object, MIN(m->object_size, SPAN_MAX));
	}
}

static void fetch(const struct looking *at, uint64_t i)
{
	const struct leaves *leaves = at->leaves;
	hc_address object;

	if (i + FAR < leaves->count && leaves->span)
		hc_reader_fetch_bytes(at->reader, leaves->addresses[i + FAR] + leaves->first, leaves->span);
	else if (i + FAR < leaves->count)
		hc_reader_fetch(at->reader, leaves->addresses[i + FAR]);
	for (unsigned j = 0; i + MIDDLE < leaves->count && j < leaves->root_count; j++)
		fetch_member(at, j, leaves->addresses[i + MIDDLE] + leaves->members[j].part->offset);
	for (unsigned j = 0; i + NEAR < leaves->count && j < leaves->root_count; j++) {
		const struct member *m = &leaves->members[j];

		if (m->kind == HOLDER &&
			hc_reader_load(at->reader, leaves->addresses[i + NEAR] + m->part->offset, &object) && object)
			for (unsigned k = m->first; k < m->first + m->count; k++)
				fetch_member(at, k, object + leaves->members[k].part->offset);
	}
}

static void make_row(void *data, unsigned worker, uint64_t index)
{
	struct leaves *leaves = data;
	struct row *row = &leaves->rows[index % WINDOW];
	const struct looking at = { leaves, row, hc_propagation_worker_reader(leaves->propagation, worker),
		&leaves->own[worker] };
	uint64_t first = index * ROW, end = MIN(first + ROW, leaves->count);

	row->is_usual = true;
	row->charged = row->looked_at = 0;
	row->piece_count = row->object_count = row->pointer_count = 0;
	memset(row->sums, 0, sizeof row->sums);
	for (uint64_t i = first; i < end && row->is_usual; i++) {
		fetch(&at, i);
		row->is_usual = look_at_members(&at, 0, leaves->root_count, leaves->addresses[i]);
	}
	row->is_usual = row->is_usual && !has_doubtful_piece(leaves->propagation, row);
}

/* ---- by the propagation ---- */

/* Gives back the first COUNT objects of ROW. */
static void take_back_objects(hc_propagation *propagation, const struct row *row, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct object *object = &row->objects[i];

		propagation->types->owner_of[object->number] = 0;
		propagation->looked_at[object->granule / 64] &= ~((uint64_t)1 << object->granule % 64);
	}
}

static bool claim_objects(struct leaves *leaves, const struct row *row)
{
	hc_propagation *propagation = leaves->propagation;
	uint32_t *owner_of = propagation->types->owner_of;

	for (unsigned i = 0; i < row->object_count; i++) {
		const struct object *object = &row->objects[i];
		uint64_t *word = &propagation->looked_at[object->granule / 64],
			 bit = (uint64_t)1 << object->granule % 64;

		if (i + AHEAD < row->object_count) {
			__builtin_prefetch(&owner_of[row->objects[i + AHEAD].number], 1);
			__builtin_prefetch(&propagation->looked_at[row->objects[i + AHEAD].granule / 64], 1);
		}
		if (owner_of[object->number] || *word & bit) {
			take_back_objects(propagation, row, i);
			return false;
		}
		owner_of[object->number] = leaves->members[object->member].object->number;
		*word |= bit;
	}
	return true;
}

/* Claims what ROW has. FALSE: nothing happened, as some of it is not nobody's. */
static bool claim_row(struct leaves *leaves, const struct row *row)
{
	hc_propagation *propagation = leaves->propagation;
	hc_owner *containers[MEMBERS_MAX];

	for (unsigned i = 0; i < leaves->member_count; i++)
		containers[i] = leaves->members[i].container;
	if (!leaves->has_more) {
		hc_pieces_claim_leaves(propagation, containers, row->pieces, row->piece_count);
		return true;
	}
	if (!claim_objects(leaves, row))
		return false;
	if (hc_pieces_claim_new_leaves(propagation, containers, row->pieces, row->piece_count))
		return true;
	take_back_objects(propagation, row, row->object_count);
	return false;
}

/* Each object has been what it was taken for: it, and what it holds. */
static void add_up(struct leaves *leaves, const struct row *row)
{
	for (unsigned i = 0; i < leaves->member_count; i++) {
		const struct member *member = &leaves->members[i];

		if (member->kind == POINTER)
			continue;
		hc_container_sums_give(&row->sums[i], member->container);
		member->owner->sound += (uint32_t)row->sums[i].containers;
	}
	for (unsigned i = 0; i < row->object_count; i++) {
		const struct member *member = &leaves->members[row->objects[i].member];

		member->object->is_own = true;
		member->object->sound += member->count != 0;
	}
	for (unsigned i = 0; i < row->pointer_count; i++)
		hc_propagation_defer_edge(leaves->propagation, &row->pointers[i].edge, row->pointers[i].certainty);
}

/* Whether the objects of an owner are not looked at any more. */
static bool is_cut(const struct leaves *leaves)
{
	bool any = leaves->element->cut;

	for (unsigned i = 0; i < leaves->member_count; i++)
		any |= leaves->members[i].kind == HOLDER && leaves->members[i].object->cut;
	return any;
}

static void take_row(struct leaves *leaves, hc_owner *element, uint64_t index)
{
	hc_propagation *propagation = leaves->propagation;
	const struct row *row = &leaves->rows[index % WINDOW];
	uint64_t first = index * ROW, end = MIN(first + ROW, leaves->count);

	if (!row->is_usual || is_cut(leaves) || row->charged > hc_container_set_budget(propagation->types->set) ||
		!claim_row(leaves, row)) {
		for (uint64_t i = first; i < end; i++)
			hc_propagation_look_at_nested(propagation, element, leaves->addresses[i]);
		leaves->missed++;
		return;
	}
	hc_container_set_charge(propagation->types->set, row->charged);
	propagation->types->losses.objects += row->looked_at;
	add_up(leaves, row);
}

/* ---- what elements have ---- */

static bool add_members(
	struct leaves *leaves, const hc_owner *owner, unsigned level, unsigned *ret_first, unsigned *ret_count);

/* A container of MEMBER's, as an object that was looked at has made its owner. FALSE: it holds something else, or is another one. */
static bool add_container(struct leaves *leaves, struct member *member)
{
	const hc_part *part = member->part;
	hc_owner *owner = member->owner;
	hc_record_wants wants;

	if (part->plan || !hc_layout_is_pure(part->layout) || hc_type_get_kind(part->type) == HC_TYPE_ARRAY)
		return false;
	wants = hc_plans_wants(leaves->propagation->types->plans, part->layout);
	member->container = owner->targets ? owner->targets[member->index] : NULL;
	member->size = hc_type_size(part->type);
	member->kind = hc_layout_kind(part->layout) == HC_WALK_SINGLE ? HOLDER : LEAF;
	return member->container && member->container != owner && member->container->layout == part->layout &&
	       !wants.mapped && wants.element == (member->kind == HOLDER);
}

/* The object that MEMBER, a smart pointer, holds. FALSE: its class is told by itself, or none was seen. */
static bool add_object(struct leaves *leaves, struct member *member, unsigned level)
{
	const hc_owner *object = member->object = member->container->elements[0];

	if (level == LEVELS_MAX || !object || !object->plan || object->plan->is_polymorphic || !object->type ||
		object->type != hc_layout_element(member->part->layout) || object->layout ||
		hc_type_get_kind(object->type) != HC_TYPE_STRUCT ||
		!(member->object_size = hc_type_size(object->type)) || member->object_size >= UINT32_MAX ||
		hc_layout_by_pointer(member->part->layout) || hc_layout_is_guess(member->part->layout) || !member->size)
		return false;
	return add_members(leaves, object, level + 1, &member->first, &member->count);
}

static bool add_pointer(struct member *member)
{
	const hc_owner *owner = member->owner;

	member->kind = POINTER;
	/* As defer_or_follow() of objects.c has it. */
	member->certainty = member->part->is_link ? MAX(owner->certainty, HC_CERTAINTY_DEDUCED) : owner->certainty;
	return !owner->variable && !owner->is_left_over && !owner->is_unused;
}

/* The members of objects of OWNER, and what these hold. FALSE: there is something else in them. */
static bool add_members(
	struct leaves *leaves, const hc_owner *owner, unsigned level, unsigned *ret_first, unsigned *ret_count)
{
	unsigned parts = owner->plan->parts->len, first = leaves->member_count;

	if (parts > MEMBERS_MAX - first)
		return false;
	leaves->member_count += parts;
	*ret_first = first;
	*ret_count = parts;
	for (unsigned i = 0; i < parts; i++) {
		struct member *member = &leaves->members[first + i];

		*member = (struct member){
			.part = &g_array_index(owner->plan->parts, hc_part, i), .index = i, .owner = (hc_owner *)owner
		};
		if (member->part->kind == HC_PART_POINTER ?
				!add_pointer(member) :
				member->part->kind != HC_PART_CONTAINER || !add_container(leaves, member))
			return false;
		leaves->has_more |= member->kind != LEAF;
	}
	for (unsigned i = first; i < first + parts; i++)
		if (leaves->members[i].kind == HOLDER && !add_object(leaves, &leaves->members[i], level))
			return false;
	return true;
}

/* What of an element is read if all of its members have straight walks. */
static void find_span(struct leaves *leaves)
{
	uint64_t first = UINT64_MAX, end = 0;

	for (unsigned i = 0; i < leaves->root_count; i++) {
		const struct member *member = &leaves->members[i];

		const struct straight *straight = &leaves->own->straight[i];

		if (member->kind != POINTER && !straight->rows && !straight->trees && !straight->objects)
			return;
		first = MIN(first, member->part->offset);
		end = MAX(end, member->part->offset + MAX(member->size, leaves->propagation->format.size));
	}
	leaves->first = first;
	leaves->span = end - first <= SPAN_MAX ? end - first : 0;
}

static void begin(struct leaves *leaves, unsigned workers)
{
	leaves->own = g_aligned_alloc0(workers, sizeof *leaves->own, HC_APART);
	for (unsigned i = 0; i < workers; i++) {
		hc_reader *reader = hc_propagation_worker_reader(leaves->propagation, i);

		hc_walk_record_init(&leaves->own[i].record, NULL);
		for (unsigned j = 0; j < leaves->member_count; j++) {
			const struct member *member = &leaves->members[j];
			struct straight *straight = &leaves->own[i].straight[j];

			if (member->kind == LEAF) {
				straight->rows = hc_row_walks_create(member->part->layout, reader);
				straight->trees = hc_tree_walks_create(member->part->layout, reader);
			} else if (member->kind == HOLDER) {
				straight->objects = hc_object_walks_create(member->part->layout, reader);
			}
		}
	}
	find_span(leaves);
}

static void end(struct leaves *leaves, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++) {
		hc_walk_record_clear(&leaves->own[i].record);
		for (unsigned j = 0; j < MEMBERS_MAX; j++) {
			hc_row_walks_destroy(leaves->own[i].straight[j].rows);
			hc_tree_walks_destroy(leaves->own[i].straight[j].trees);
			hc_object_walks_destroy(leaves->own[i].straight[j].objects);
		}
	}
	g_aligned_free(leaves->own);
	for (unsigned i = 0; i < WINDOW; i++) {
		g_free(leaves->rows[i].pieces);
		g_free(leaves->rows[i].objects);
		g_free(leaves->rows[i].pointers);
	}
}

/* Whether there is no use in row INDEX: too many were of none, or so many pointers wait that they are followed at once. */
static bool is_over(const struct leaves *leaves, uint64_t index)
{
	uint64_t pointers = 0;

	for (unsigned i = 0; i < leaves->member_count; i++)
		pointers += leaves->members[i].kind == POINTER ? ROW : 0;
	return leaves->has_more &&
	       ((leaves->missed >= MISSED_LEAST && leaves->missed > index / 2) ||
		       leaves->propagation->edges_in - leaves->propagation->edges_out + pointers > HC_EDGES_MANY);
}

/* Gives how many elements were looked at. */
static uint64_t take_rows(struct leaves *leaves, hc_owner *element, hc_task_row *row)
{
	hc_lookahead *lookahead = hc_propagation_lookahead(leaves->propagation);
	uint64_t i;

	for (i = 0; i < row->count && !is_over(leaves, i); i++) {
		hc_lookahead_release(lookahead, row, i);
		hc_lookahead_wait(lookahead, row, i);
		take_row(leaves, element, i);
	}
	hc_lookahead_end(lookahead, row);
	return MIN(i * ROW, leaves->count);
}

uint64_t hc_propagation_look_at_leaves(
	hc_propagation *propagation, hc_owner *element, const hc_address *addresses, uint64_t count)
{
	unsigned workers = hc_propagation_worker_count(propagation), first;
	g_autofree struct leaves *leaves = NULL;
	hc_task_row row = { .make = make_row, .count = (count + ROW - 1) / ROW, .window = WINDOW };
	uint64_t done = 0;

	if (count < FEWEST || !workers || propagation->depth >= DEPTH_MAX || !element->plan ||
		!element->plan->parts->len)
		return 0;
	leaves = g_new0(struct leaves, 1);
	leaves->propagation = propagation;
	leaves->element = element;
	if (!add_members(leaves, element, 0, &first, &leaves->root_count))
		return 0;
	row.data = leaves;
	leaves->addresses = addresses;
	leaves->count = count;
	leaves->budget = hc_container_set_budget(propagation->types->set);
	begin(leaves, workers);
	if (hc_lookahead_begin(hc_propagation_lookahead(propagation), &row))
		done = take_rows(leaves, element, &row);
	end(leaves, workers);
	return done;
}
