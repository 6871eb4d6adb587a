/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * propagation/root_words.c and modules/data_names.c: small heaps of a program without debug info, written as text. "data+64->a a->b" makes
 * two blocks; a word of the program's data points to the first, whose first word points to the second.
 *
 *	a, b, ...	a block in use of 120 bytes, 136, ...: those of one letter, "a0" and "a1", are of one size. L.. of 4088, P.. of 248 at a
 *			multiple of 256
 *	a+16->b+8	where the word stands, and where it points in the other block
 *	a+16=>b		the same of a pointer with a tag in its upper 16 bits
 *	data, libc, stack, reg, anon	where else words stand: the program's data, a library's, the main thread's stack, a register,
 *			memory that is nobody's
 *
 * What is expected is text too: "data+64: a b; -: c". The program's file has the symbols that a test gives it, in a folder of its own.
 */
#include "modules/modules.h"
#include "program_builder.h"
#include "test_process.h"
#include "types/types.h"
#include "unit.h"

#include <heapcore/types.h>

#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM "/usr/bin/server"

static const hc_address anonymous = 0x7fffa0000000;

typedef struct node {
	char *name;
	hc_address address;
} node;

typedef struct heap_of_words {
	test_process process;
	GArray *nodes; /* of node */
	char *folder;  /* the process's file system */
} heap_of_words;

static void stop(heap_of_words *words)
{
	g_autofree char *program = g_strconcat(words->folder, PROGRAM, NULL);
	g_autofree char *bin = g_path_get_dirname(program), *usr = g_path_get_dirname(bin);

	process_stop(&words->process);
	for (unsigned i = 0; i < words->nodes->len; i++)
		g_free(g_array_index(words->nodes, node, i).name);
	g_array_unref(words->nodes);
	g_unlink(program);
	g_rmdir(bin);
	g_rmdir(usr);
	g_rmdir(words->folder);
	g_free(words->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(heap_of_words, stop)

/* Takes IMAGE, the program's file; NULL: there is none. */
static heap_of_words start(GByteArray *image)
{
	heap_of_words words = { .process = process_start("2.36", 0x200000, 0x200000),
		.nodes = g_array_new(FALSE, FALSE, sizeof(node)),
		.folder = g_dir_make_tmp("heapcore-words-XXXXXX", NULL) };
	g_autofree char *program = g_strconcat(words.folder, PROGRAM, NULL), *bin = g_path_get_dirname(program);

	heap_add_cache(words.process.heap, 0, 0);
	program_map(words.process.core, PROGRAM);
	core_builder_add_memory(words.process.core, anonymous, 0x1000, PF_R | PF_W);
	if (!image)
		return words;
	g_assert(!g_mkdir_with_parents(bin, 0700));
	g_assert(g_file_set_contents(program, (const char *)image->data, image->len, NULL));
	g_byte_array_unref(image);
	return words;
}

static heap_of_words start_stripped(void)
{
	return start(program_image_with_symbols(NULL, 0));
}

/* ---- reading the text ---- */

static hc_address block_named(heap_of_words *words, const char *name)
{
	for (unsigned i = 0; i < words->nodes->len; i++)
		if (!strcmp(g_array_index(words->nodes, node, i).name, name))
			return g_array_index(words->nodes, node, i).address;
	unsigned size = *name == 'L' ? 4088 : *name == 'P' ? 248 : 120 + 16 * (unsigned)(*name - 'a');

	/* Blocks of the least size are 32 bytes apart. */
	while (*name == 'P' && (heap_malloc(words->process.heap, 0, 24) + 32) % 256)
		;
	node made = { g_strdup(name), heap_malloc(words->process.heap, 0, size) };

	g_array_append_val(words->nodes, made);
	return made.address;
}

static hc_address address_of(heap_of_words *words, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, "+", 2);
	uint64_t offset = parts[1] ? g_ascii_strtoull(parts[1], NULL, 0) : 0;

	if (!strcmp(parts[0], "data"))
		return program_data + offset;
	if (!strcmp(parts[0], "libc"))
		return heap_kept_at(words->process.heap, 0) + offset;
	if (!strcmp(parts[0], "stack"))
		return heap_thread_at(words->process.heap, 0)->stack_pointer + 8 + offset;
	if (!strcmp(parts[0], "anon"))
		return anonymous + offset;
	return block_named(words, parts[0]) + offset;
}

static void put(heap_of_words *words, const char *text)
{
	g_auto(GStrv) edges = g_strsplit(text, " ", -1);

	for (unsigned i = 0; edges[i]; i++) {
		bool is_tagged = strstr(edges[i], "=>") != NULL;
		g_auto(GStrv) ends = g_strsplit(edges[i], is_tagged ? "=>" : "->", 2);
		hc_address to = address_of(words, ends[ends[1] ? 1 : 0]) | (is_tagged ? (uint64_t)(i + 1) << 48 : 0);

		if (ends[1] && !strcmp(ends[0], "reg"))
			heap_thread_at(words->process.heap, 0)->rbx = to;
		else if (ends[1])
			core_builder_put_word(words->process.core, address_of(words, ends[0]), to);
	}
}

/* ---- the result ---- */

static bool run(heap_of_words *words)
{
	const hc_analysis_options options = { .sysroot = words->folder, .until = HC_STAGE_TYPES, .jobs = 1 };

	heap_write_threads(words->process.heap);
	return stages_run_path(&words->process.stages, core_builder_path(words->process.core), &options);
}

/* The name of the place where the path of the block at ADDRESS begins; "-": it has none. */
static char *beginning_of(const heap_of_words *words, hc_address address)
{
	const hc_types *types = hc_analysis_types(words->process.stages.analysis);
	hc_types_path path;
	hc_block block;
	uint32_t number = hc_blocks_find(words->process.stages.blocks, address, &block) ?
				  hc_types_path_of_block(types, block.number) :
				  0;

	if (!number)
		return g_strdup("-");
	for (;; number = path.parent) {
		hc_types_path_get(types, number, &path);
		if (!path.parent)
			return hc_types_path_text(types, number);
	}
}

static char *describe(const heap_of_words *words)
{
	g_autoptr(GPtrArray) beginnings = g_ptr_array_new_with_free_func(g_free);
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < words->nodes->len; i++)
		g_ptr_array_add(beginnings, beginning_of(words, g_array_index(words->nodes, node, i).address));
	for (unsigned i = 0; i < words->nodes->len; i++) {
		const char *beginning = beginnings->pdata[i];
		bool is_first = true;

		for (unsigned k = 0; k < i; k++)
			is_first &= strcmp(beginnings->pdata[k], beginning) != 0;
		if (!is_first)
			continue;
		g_string_append_printf(text, "%s%s:", text->len ? "; " : "", beginning);
		for (unsigned k = i; k < words->nodes->len; k++)
			if (!strcmp(beginnings->pdata[k], beginning))
				g_string_append_printf(text, " %s", g_array_index(words->nodes, node, k).name);
	}
	return g_string_free(text, FALSE);
}

static void check_with(heap_of_words words, const char *edges, const char *expected)
{
	put(&words, edges);
	if (run(&words)) {
		g_autofree char *text = describe(&words);

		UNIT_ASSERT_TEXT(text, expected);
	}
	stop(&words);
}

/* In a program that is stripped. */
static void check(const char *edges, const char *expected)
{
	check_with(start_stripped(), edges, expected);
}

/* COUNT words of DATA from START on, STRIDE bytes apart, each to a block of its own: "PREFIX0", "PREFIX1", ... */
static char *table(const char *data, uint64_t start_at, unsigned stride, unsigned count, const char *prefix)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < count; i++)
		g_string_append_printf(text, "%s%s+%#" PRIx64 "->%s%u", i ? " " : "", data,
			start_at + (uint64_t)i * stride, prefix, i);
	return g_string_free(text, FALSE);
}

/* EXPECTED of EDGES' blocks have NAME. */
static void check_table(heap_of_words words, const char *edges, const char *name, unsigned expected)
{
	unsigned met = 0;

	put(&words, edges);
	if (run(&words)) {
		for (unsigned i = 0; i < words.nodes->len; i++) {
			g_autofree char *text = beginning_of(&words, g_array_index(words.nodes, node, i).address);

			met += !strcmp(text, name);
		}
		if (met != expected)
			printf("\n%u blocks of %s\n", met, name);
		CU_ASSERT_EQUAL(met, expected);
	}
	stop(&words);
}

/* ---- who has what ---- */

static void test_nearest(void)
{
	check("data+0x40->a a->b b->c data+0x100->d d->c c->e", "server .data+0x40: a b; server .data+0x100: c d e");
	check("data+0x40->a data+0x100->b b->a", "server .data+0x40: a; server .data+0x100: b");
	check("data+0x40->a a+112->b b->a", "server .data+0x40: a b");
	check("data+0x40->a c->d d->c", "server .data+0x40: a; -: d c");
}

/* What comes first in memory, and is nearer, has nothing that a stronger one leads to. */
static void test_weaker(void)
{
	check("stack->c data+0x40->a a->b b->c", "server .data+0x40: c a b");
	check("reg->c data+0x40->a a->b b->c", "server .data+0x40: c a b");
	check("stack->x x->c data+0x40->a a->b b->c c->d", "stack: x; server .data+0x40: c a b d");
	check("stack->x reg->y", "stack: x; registers: y");
	check("data+0x40->c+16 data+0x100->a a->b b->c", "server .data+0x100: c a b");
	check("data+0x40->c+16 c->d", "server .data+0x40: c d");
	check("data+0x40->a stack->c+16 a->c", "server .data+0x40: a c");
	check("anon->a a->b", "[anon]: a b");
}

static void test_libraries(void)
{
	check("libc->d data->a a->b b->c c->d", "server .data+0: d a b c");
	check("libc->e data->a a->b b->c c->d d->e", "libc.so.6+0x3000: e; server .data+0: a b c d");
	/* A list of the program's is one step, however long it is. */
	check("libc->d data->a0 data+8->z a0->a1 a1->a2 a2->a3 a3->a4 a4->a5 a5->b b->c c->d",
		"server .data+0: d a0 a1 a2 a3 a4 a5 b c; server .data+0x8: z");
	/* What an allocator of a library gave out of a block of its own leads to what is the program's. */
	check("libc->L data->a a->L+256 L+256->x", "libc.so.6+0x3000: L; server .data+0: a x");
}

/* ---- words that are left over ---- */

static void test_stale(void)
{
	/* On the stack, above and below frames that are known. */
	check("data+0x40->a a->b b->c c->d stack->c stack+0x100->b stack+0x108->d", "server .data+0x40: a b c d");
	/* In a recycled block: into a structure whose owner is as near, or nearer. */
	check("data+0x40->a data+0x100->l l->m l+8->n m->o n->p a+112->l",
		"server .data+0x40: a; server .data+0x100: l m n o p");
	/* Into the middle of a list: all of its nodes are as near as the first. */
	check("data+0x40->l0 l0->l1 l1->l2 l2->l3 l3->l4 data+0x100->z z+112->l2",
		"server .data+0x40: l0 l1 l2 l3 l4; server .data+0x100: z");
	/* Into the middle of a block only. */
	check("data+0x40->a data+0x100->l l->m m->n n->o a+112->o+24",
		"server .data+0x40: a; server .data+0x100: l m n o");
}

/* Into the middle of a chain without a way back, of enough nodes that these tell where they have a link; from as many places as CURSORS says. */
static void check_cursors(unsigned cursors)
{
	g_autoptr(GString) edges = g_string_new("data+0x200->l0 z+112->l0 data+0x300->z");

	for (unsigned i = 1; i < 40; i++)
		g_string_append_printf(edges, " l%u->l%u", i - 1, i);
	for (unsigned i = 1; i <= cursors; i++)
		g_string_append_printf(edges, " data+%#x->l%u", 0x40 + 8 * i, 8 * i);
	check_table(start_stripped(), edges->str, "server .data+0x200", 40);
}

static void test_cursors(void)
{
	/* The first of them are asked of one by one, then all nodes are looked at. */
	for (unsigned cursors = 1; cursors <= 4; cursors++)
		check_cursors(cursors);
}

/*
 * What malloc wrote into a free chunk is the address of another chunk: the last word of the block in front of what that gave out later.
 * It comes after what leads into the middle of such a block.
 */
static void test_free_chunks(void)
{
	check("data+0x40->a a+24->c+144 data+0x200->b b+32->c+24", "server .data+0x40: a; server .data+0x200: c b");
	/* Elsewhere in the middle it is as good as the other. */
	check("data+0x40->a a+24->c+120 data+0x200->b b+32->c+24", "server .data+0x40: a c; server .data+0x200: b");
}

/* In a table of texts, or of strings, one leads to what has the memory of its text now, and begins with an address. */
static void test_others_in_tables(void)
{
	g_autofree char *items = table("L", 0, 8, 20, "a"),
			*edges = g_strconcat("data+0x40->L ", items, " data+0x200->a19 a19->b", NULL);

	check_table(start_stripped(), edges, "server .data+0x40", 20);
	check_table(start_stripped(), edges, "server .data+0x200", 2);
}

/* Behind the 16 bytes that a session has, there is what its block had before. */
static void test_stale_in_typed(void)
{
	check_with(start(program_image("session")), "data+0x100->s s+64->c data+0x800->a a->b b->c c->d",
		"g_sessions: s; server+0x1800: c a b d");
	/* Nothing else leads there: who would lose it? */
	check_with(start(program_image("session")), "data+0x100->s s+64->c c->d", "g_sessions: s c d");
}

/* Numbers that the program's file has are no pointers. */
static void test_constants(void)
{
	/* Where the first block of this size lies is the same in every such process. */
	g_auto(heap_of_words) same = start(NULL);
	hc_address first = block_named(&same, "a");

	for (unsigned is_constant = 0; is_constant < 2; is_constant++) {
		GByteArray *image = program_image_with_symbols(NULL, 0);

		memcpy(image->data + (program_data - program_start) + 0x40, &(uint64_t){ first - !is_constant },
			sizeof(uint64_t));
		check_with(start(image), "a data+0x40->a a->b data+0x100->c",
			is_constant ? "-: a b; server .data+0x100: c" :
				      "server .data+0x40: a b; server .data+0x100: c");
	}
}

/* ---- pages of objects ---- */

static void test_pools(void)
{
	/* Each has what the object leads to that its word leads to. The page is his who has most of it. */
	check("data+0x40->P+32 data+0x100->P+64 data+0x300->x x->P+192 P+48->a P+80->b",
		"server .data+0x100: P b; server .data+0x300: x; server .data+0x40: a");
	/* A call that has the address of a member does not begin an object there; but one may be its alone. */
	check("data+0x40->P+32 data+0x100->P+64 data+0x200->P+96 data+0x300->x x->P+192 stack->P+112 P+120->b",
		"server .data+0x200: P b; server .data+0x300: x");
	check("data+0x40->P+32 data+0x100->P+64 data+0x200->P+96 data+0x300->x x->P+192 stack->P+128 P+120->b P+136->c",
		"stack: P c; server .data+0x300: x; server .data+0x200: b");
}

/* Flags in the lowest bits of an address: better than what is left over in a frame. */
static void test_flags(void)
{
	check("data+0x40->a a+8->b+3 stack->b", "server .data+0x40: a b");
	check("data+0x40->a a+8->b+11 stack->b", "server .data+0x40: a; stack: b");
}

/* ---- encoded pointers ---- */

#define TAGGED_LIST "a0=>a1 a1=>a2 a2=>a3 a3=>a4 a4=>a5 a5=>a6 a6=>a7 a7=>a8 a8=>a9"

static void test_encoded(void)
{
	static const char all[] = "a0 a1 a2 a3 a4 a5 a6 a7 a8 a9";
	g_autofree char *of_data = g_strconcat("server .data+0x40: ", all, NULL),
			*of_session = g_strconcat("g_sessions: s ", all, NULL);

	check("data+0x40=>a0 " TAGGED_LIST, of_data);
	/* A word on the stack leads to the first as well. */
	check("data+0x40=>a0 stack->a0 " TAGGED_LIST, of_data);
	check_with(start(program_image("session")), "data+0x100->s s=>a0 stack->a0 " TAGGED_LIST, of_session);
	/* An address is better, and what hangs on it goes with it. */
	check("data+0x40=>a0 " TAGGED_LIST " libc->z z->a5",
		"server .data+0x40: a0 a1 a2 a3 a4; libc.so.6+0x3000: a5 a6 a7 a8 a9 z");
}

/* ---- places of several words ---- */

static void test_structures(void)
{
	/* As the header of a std::map: first, last, root. */
	check("data+0x48->b data+0x50->a data+0x58->c b->a b+8->d b+16->c", "server .data+0x48: b a c d");
	check("data+0x40->a a->b data+0x48->c c->d", "server .data+0x40: a b; server .data+0x48: c d");
	check("data+0x40->a a->b b->c data+0x88->c", "server .data+0x40: a b; server .data+0x88: c");
	check("data+0x40->a a->b b->c data+0x80->c", "server .data+0x40: a b c");
	/* No more than 64 bytes, though each is near the next. */
	check("data+0x40->a data+0x70->b data+0xa0->c a->b b->c", "server .data+0x40: a b; server .data+0xa0: c");
	check("data+0x40->a data+0x70->b data+0xa0->c c->b b->a", "server .data+0x40: a b; server .data+0xa0: c");
	check("libc->a libc+8->b a->b", "libc.so.6+0x3000: a b");
}

static void test_tables(void)
{
	static const program_symbol symbols[] = { { "g_next", 0x240, 8 } };
	g_autofree char *dense = table("data", 0x200, 8, 16, "a"), *few = table("data", 0x200, 8, 15, "a"),
			*sparse = table("data", 0x200, 48, 20, "a"), *wide = table("data", 0x200, 528, 4, "a"),
			*large = table("data", 0x600, 48, 20, "L"), *sizes = g_strconcat(sparse, " ", large, NULL),
			*two = g_strconcat(dense, " data+0x400->b", NULL);

	check_table(start_stripped(), dense, "server .data+0x200", 16);
	check_table(start_stripped(), few, "server .data+0x200", 1);
	check_table(start_stripped(), sparse, "server .data+0x200", 20);
	check_table(start_stripped(), wide, "server .data+0x200", 1);
	check_table(start_stripped(), two, "server .data+0x200", 16);
	check_table(start_stripped(), sizes, "server .data+0x600", 20);
	/* What has a symbol is no part of a table. */
	check_table(start(program_image_with_symbols(symbols, 1)), dense, "g_next", 1);
	check_table(start(program_image_with_symbols(symbols, 1)), dense, "server .data+0x200", 1);
}

/* ---- names ---- */

static void check_name(const heap_of_words *words, uint64_t offset, const char *expected)
{
	hc_address address = program_data + offset;
	hc_data_name name;

	if (!hc_modules_data_name(words->process.stages.modules, address, &name)) {
		CU_FAIL("the program's data is in a module");
		return;
	}
	g_autofree char *text = hc_data_name_text(&name, address);

	UNIT_ASSERT_TEXT(text, expected);
	CU_ASSERT_TRUE(name.start <= address && address < name.end);
	CU_ASSERT_TRUE(name.end <= program_data + PROGRAM_DATA_SIZE);
}

static void test_names(void)
{
	static const program_symbol symbols[] = {
		{ "g_big", 0x100, 0x100 },
		{ "g_inner", 0x140, 8 },
		{ "__g_alias", 0x300, 8 },
		{ "g_alias", 0x300, 8 },
		{ "_g_alias", 0x300, 8 },
		{ "_ZN3app5cacheE", 0x310, 8 },
		{ "_ZN3app5namesB5cxx11E", 0x318, 8 },
		{ "_ZN12_GLOBAL__N_17pendingE", 0x320, 8 },
		{ "_edata", 0x700, 0 },
		{ "everything", 0x10, UINT64_MAX - 0x1fff },
		{ "round", 0x10, UINT64_MAX },
		{ "beyond", 0x800, PROGRAM_DATA_SIZE },
		{ "outside", 0x10000, 8 },
		{ "", 0x900, 8 },
	};
	g_auto(heap_of_words) words = start(program_image_with_symbols(symbols, G_N_ELEMENTS(symbols)));
	hc_data_name name;

	if (!run(&words))
		return;
	check_name(&words, 0x100, "g_big");
	check_name(&words, 0x13f, "g_big");
	check_name(&words, 0x140, "g_inner");
	check_name(&words, 0x148, "g_big");
	check_name(&words, 0x1ff, "g_big");
	check_name(&words, 0x200, "server .data+0x200");
	check_name(&words, 0x300, "g_alias");
	check_name(&words, 0x310, "app::cache");
	check_name(&words, 0x318, "app::names");
	check_name(&words, 0x320, "pending");
	check_name(&words, 0x328, "server .data+0x328");
	check_name(&words, 0x708, "server .data+0x708");
	check_name(&words, 0x808, "server .data+0x808");
	check_name(&words, 0x900, "server .data+0x900");
	check_name(&words, 0, "server .data+0");
	CU_ASSERT_FALSE(hc_modules_data_name(words.process.stages.modules, 0x1000, &name));
	CU_ASSERT_FALSE(hc_modules_data_name(words.process.stages.modules, anonymous, &name));
	CU_ASSERT_FALSE(hc_modules_data_name(words.process.stages.modules, UINT64_MAX, &name));
}

static void test_no_sections(void)
{
	g_auto(heap_of_words) without = start(program_image_without_sections()), missing = start(NULL);

	if (run(&without))
		check_name(&without, 0x40, "server+0x1040");
	if (run(&missing))
		check_name(&missing, 0x40, "server+0x1040");
	check_with(start(program_image_without_sections()), "data+0x40->a a->b", "server+0x1040: a b");
	check_with(start(NULL), "data+0x40->a a->b", "server+0x1040: a b");
}

/* Symbols give all words in them one name; where there is one, offsets have none. */
static void test_symbols(void)
{
	static const program_symbol symbols[] = { { "g_index", 0x40, 32 }, { "g_lru", 0x60, 8 } };

	check_with(start(program_image_with_symbols(symbols, 2)),
		"data+0x40->a data+0x58->b a->c data+0x60->d data+0x68->e c->d d->e",
		"g_index: a b c; g_lru: d; server .data+0x68: e");
}

/* Names that programs give to lists of what nobody uses, and names that only have the word in them. */
static void test_free_lists(void)
{
	static const char *const lists[] = { "free_list", "dict_state.free_list", "g_freelist", "free_nodes", "free",
		"pool.free[]", "free_list.head", "freelists", "m_free_", "keys_free_list" };
	static const char *const others[] = { NULL, "", "carefree_list", "free_function", "on_free", "freed", "numfree",
		"free_listener", "freedom", "tp_free_it" };

	for (unsigned i = 0; i < G_N_ELEMENTS(lists); i++)
		if (!hc_name_is_free_list(lists[i]))
			CU_FAIL(lists[i]);
	for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
		CU_ASSERT_FALSE(hc_name_is_free_list(others[i]));
}

int main(void)
{
	static const unit_case cases[] = {
		{ "the nearest root", test_nearest },
		{ "a weaker root", test_weaker },
		{ "libraries come later", test_libraries },
		{ "words that are left over", test_stale },
		{ "words that malloc left", test_free_chunks },
		{ "others in tables", test_others_in_tables },
		{ "words that are left over in objects of a type", test_stale_in_typed },
		{ "constants", test_constants },
		{ "pages of objects", test_pools },
		{ "flags in addresses", test_flags },
		{ "encoded pointers", test_encoded },
		{ "words of one structure", test_structures },
		{ "tables", test_tables },
		{ "names of data", test_names },
		{ "names without section headers", test_no_sections },
		{ "symbols", test_symbols },
		{ "words into the middle of a chain", test_cursors },
		{ "names of free lists", test_free_lists },
	};

	return unit_main("root words", cases, G_N_ELEMENTS(cases));
}
