/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * containers/: descriptions, the types they are tried with, and walks through memory, all of the input:
 *
 *	types		lines of text, see read_types(); NUL
 *	descriptions	the text of a file of descriptions; NUL
 *	changes		of the memory that the walks go through, as patched.h has them
 *
 * Before the changes each block of the memory leads to the next one and the one before, and to itself, and holds small numbers.
 */
#include "../unit/container_fixture.h"
#include "patched.h"

#include "containers/container_set.h"

#include <string.h>

enum {
	BLOCKS = 32,
	BLOCK_SIZE = 104, /* usable; chunks of 112 */
	OBJECTS = 4,
	STRUCTS_MAX = 8,
	FIELDS_MAX = 16,
	LOOKED_AT = 1 << 17 /* bytes that a walk may look at, all memory 36 times: so far circles are followed here */
};

typedef struct world {
	fixture fixture;
	patched_core *core;
	hc_address blocks[BLOCKS];
} world;

/* ---- memory ---- */

static void fill(fixture *f, const hc_address *blocks, unsigned i)
{
	hc_address at = blocks[i], next = blocks[(i + 1) % BLOCKS], before = blocks[(i + BLOCKS - 1) % BLOCKS];
	const uint64_t words[] = { next, before, at, 3, blocks[(i + 4) % BLOCKS], blocks[(i + 4) % BLOCKS] + 24,
		next + 48, 0, i, 8, at + 80, 1, UINT64_C(0x0000000200000001) };

	for (unsigned j = 0; j < G_N_ELEMENTS(words); j++)
		put(f, at + WORD * j, words[j]);
}

static world *get_world(void)
{
	static world it;

	if (it.core)
		return &it;
	it.fixture = start();
	for (unsigned i = 0; i < BLOCKS; i++)
		it.blocks[i] = take(&it.fixture, BLOCK_SIZE);
	for (unsigned i = 0; i < BLOCKS; i++)
		fill(&it.fixture, it.blocks, i);
	g_assert(dump(&it.fixture));
	it.core = patched_core_create(it.fixture.process.core);
	for (unsigned i = 0; i < OBJECTS; i++)
		patched_core_add_range(it.core, it.fixture.process.core, it.blocks[i], BLOCK_SIZE);
	patched_core_add_range(
		it.core, it.fixture.process.core, heap_chunk(it.blocks[0]), it.blocks[BLOCKS - 1] - it.blocks[0]);
	return &it;
}

/* ---- types ---- */

typedef struct types {
	fixture *made; /* what make_struct() and its like want: only its types */
	GPtrArray *names;
	hc_type *structs[STRUCTS_MAX];
	unsigned count;
} types;

static const hc_type *find_type(types *t, const char *name)
{
	fixture *f = t->made;
	const struct {
		const char *name;
		const hc_type *type;
	} simple[] = {
		{ "u8", f->u8 },
		{ "i32", f->i32 },
		{ "u32", f->u32 },
		{ "u64", f->u64 },
		{ "char", f->character },
		{ "void", f->nothing },
	};

	if (*name == '*')
		return pointer_to(f, find_type(t, name + 1));
	if (*name == '[')
		return array_of(f, find_type(t, name + 1), 4);
	for (unsigned i = 0; i < G_N_ELEMENTS(simple); i++)
		if (!strcmp(simple[i].name, name))
			return simple[i].type;
	for (unsigned i = 0; i < t->count; i++)
		if (!strcmp(t->structs[i]->name, name))
			return t->structs[i];
	return f->u64;
}

static void add_member(types *t, char **words)
{
	hc_type *type = t->structs[t->count - 1];
	const hc_type *member = find_type(t, words[2]);
	uint64_t offset = g_ascii_strtoull(words[3], NULL, 0);

	/* By value only what is complete, or a struct would be in itself. */
	if (type->field_count < FIELDS_MAX && member != type && offset <= 4096)
		add_field(type, strcmp(words[1], "-") ? words[1] : NULL, member, offset);
}

/*
 *	s NAME SIZE		a struct; its members follow:
 *	m NAME TYPE OFFSET	TYPE: u8 i32 u32 u64 char void, a struct's name; *TYPE a pointer, [TYPE four of them; NAME -: a base class
 *	a NAME TYPE		a template argument
 */
static void read_types(types *t, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", 128);

	for (char **line = lines; *line; line++) {
		g_auto(GStrv) words = g_strsplit(*line, " ", 5);
		unsigned count = g_strv_length(words);

		if (count >= 3 && !strcmp(words[0], "s") && t->count < STRUCTS_MAX) {
			t->structs[t->count++] =
				make_struct(t->made, words[1], g_ascii_strtoull(words[2], NULL, 0) % 512);
			g_ptr_array_add(t->names, g_steal_pointer(&words));
		} else if (count >= 4 && !strcmp(words[0], "m") && t->count) {
			add_member(t, words);
			g_ptr_array_add(t->names, g_steal_pointer(&words));
		} else if (count >= 3 && !strcmp(words[0], "a") && t->count &&
			   t->structs[t->count - 1]->argument_count < 8) {
			add_argument(t->made, t->structs[t->count - 1], words[1], find_type(t, words[2]), 3);
			g_ptr_array_add(t->names, g_steal_pointer(&words));
		}
	}
}

/* ---- walks ---- */

static bool see(hc_address address, uint64_t index, void *data)
{
	(void)data;
	return address || index < 100;
}

static void see_memory(hc_address address, uint64_t size, hc_memory_role role, void *data)
{
	(void)address;
	(void)size;
	(void)data;
	fuzz_expect(role <= HC_MEMORY_INDEX, "memory without a role");
}

static void record(const hc_layout *layout, hc_address address, hc_container_set *set)
{
	hc_walk_record record;

	hc_walk_record_init(&record, NULL);
	record.layout = layout;
	record.address = address;
	record.wants = (hc_record_wants){ true, true };
	hc_walk_record_make(&record, hc_container_set_reader(set), LOOKED_AT);
	if (!record.failed)
		fuzz_see(record.numbers, record.number_count * sizeof *record.numbers);
	hc_walk_record_clear(&record);
}

static void walk_row(const hc_layout *layout, hc_address address, hc_container_set *set)
{
	hc_row_walks *rows = hc_row_walks_create(layout, hc_container_set_reader(set));
	hc_row_found found;
	hc_walk walk;

	if (rows && hc_row_walks_make(rows, address, &found)) {
		hc_layout_measure(layout, address, &walk);
		fuzz_expect(walk.grade == HC_GRADE_EXACT && walk.walked == found.walk->walked,
			"a row of %lu elements has %lu if it is walked", (unsigned long)found.walk->walked,
			(unsigned long)walk.walked);
	}
	hc_row_walks_destroy(rows);
}

static void walk_object(const hc_layout *layout, hc_address address, hc_container_set *set)
{
	const hc_walk_visitor visitor = { .element = see, .mapped = see, .memory = see_memory, .wants_fronts = true };
	hc_walk walk, measured;
	hc_table_fill fill;
	hc_certainty certainty;

	set->budget = LOOKED_AT;
	hc_layout_walk(layout, address, &visitor, &walk);
	set->budget = LOOKED_AT;
	fuzz_see_text(walk.reason);
	hc_layout_measure(layout, address, &measured);
	fuzz_expect(walk.grade == measured.grade && walk.walked == measured.walked, "two walks differ");
	hc_layout_fill(layout, address, false, &fill);
	hc_layout_fill(layout, address, true, &fill);
	if (hc_layout_deduces(layout))
		hc_layout_deduce(layout, address, &certainty);
	if (!hc_layout_is_pure(layout))
		return;
	hc_layout_count(layout, address, hc_container_set_reader(set));
	record(layout, address, set);
	walk_row(layout, address, set);
}

static void walk_all(const world *it, types *t, hc_container_set *set)
{
	for (unsigned i = 0; i < t->count; i++) {
		const hc_layout *layouts[] = { hc_container_set_layout(set, t->structs[i], NULL),
			hc_container_set_layout(set, pointer_to(t->made, t->structs[i]), "thing.member"),
			hc_container_set_layout(set, array_of(t->made, t->structs[i], 2), "g_variable") };

		for (unsigned j = 0; j < G_N_ELEMENTS(layouts); j++)
			for (unsigned k = 0; layouts[j] && k < OBJECTS; k++)
				walk_object(layouts[j], it->blocks[k], set);
	}
}

/* Types as the world's fixture has them, and those of the input, which go with RET_TYPES. */
static fixture borrow(const world *it)
{
	fixture made = { .types = g_ptr_array_new_with_free_func(g_free) };

	made.u8 = it->fixture.u8;
	made.i32 = it->fixture.i32;
	made.u32 = it->fixture.u32;
	made.u64 = it->fixture.u64;
	made.character = it->fixture.character;
	made.nothing = it->fixture.nothing;
	return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	world *it = get_world();
	fuzz_input input = { data, size };
	fuzz_input first = fuzz_part_before(&input, 0), second = fuzz_part_before(&input, 0);
	g_autofree char *text = fuzz_text(&first);
	hc_diagnostics *diagnostics = hc_diagnostics_create();
	hc_container_set *set = hc_container_set_create(NULL, it->fixture.process.stages.blocks, 1, diagnostics);
	g_autoptr(GError) error = NULL;

	if (!hc_container_set_add_file(set, fuzz_file(second.at, second.left), &error)) {
		fuzz_expect(error != NULL, "no descriptions, and no error");
	} else {
		fixture made = borrow(it);
		types t = { .made = &made, .names = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev) };

		read_types(&t, text);
		patched_core_change(it->core, &input);
		walk_all(it, &t, set);
		patched_core_restore(it->core);
		g_ptr_array_unref(t.names);
		hc_container_set_destroy(g_steal_pointer(&set));
		g_ptr_array_unref(made.types);
	}
	if (set)
		hc_container_set_destroy(set);
	hc_diagnostics_destroy(diagnostics);
	return 0;
}
