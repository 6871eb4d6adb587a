/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What differs between two layouts of one class, and whether one class is meant: types that were made by hand. */
#include "abi/abi_state.h"
#include "container_fixture.h"

#include <string.h>

/* What hc_abi_compare() says of A and B: "name:part:offsets" of each, '-' for a side that has none. */
static char *compare(const hc_type *a, const hc_type *b)
{
	g_autoptr(GArray) changes = hc_abi_compare(a, b);
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < changes->len; i++) {
		const hc_abi_change *change = &g_array_index(changes, hc_abi_change, i);

		g_string_append_printf(text, "%s%s", i ? " " : "", change->name);
		for (unsigned k = 0; k < 2; k++) {
			const hc_abi_place *place = &change->sides[k];

			if (!place->is_known)
				g_string_append(text, ":-");
			else if (change->part == HC_ABI_ENUMERATOR)
				g_string_append_printf(text, ":=%d", (int)place->value);
			else
				g_string_append_printf(text, ":%u+%u", (unsigned)place->offset, (unsigned)place->size);
		}
	}
	return g_string_free(text, FALSE);
}

static void expect(const hc_type *a, const hc_type *b, const char *changes)
{
	g_autofree char *said = compare(a, b);

	CU_ASSERT_STRING_EQUAL(said, changes);
	if (strcmp(said, changes))
		fprintf(stderr, "\"%s\", not \"%s\"\n", said, changes);
}

static hc_type *make_message(fixture *f, const char *second, const hc_type *type, uint64_t offset, uint64_t size)
{
	hc_type *message = make_struct(f, "message", size);

	add_field(message, "id", f->u64, 0);
	add_field(message, second, type, offset);
	return message;
}

static void test_members(void)
{
	fixture f = start();
	const hc_type *old = make_message(&f, "text", pointer_to(&f, f.character), 8, 16);
	hc_type *grown = make_message(&f, "text", pointer_to(&f, f.character), 16, 24);

	expect(old, make_message(&f, "text", pointer_to(&f, f.character), 8, 16), "");
	/* elsewhere, and a new one */
	add_field(grown, "extension", f.u64, 8);
	expect(grown, old, "text:16+8:8+8 extension:8+8:-");
	expect(old, grown, "text:8+8:16+8 extension:-:8+8");
	/* smaller */
	expect(old, make_message(&f, "text", f.u32, 8, 16), "text:8+8:8+4");
	/* a number where the other has a pointer: one misreads what the other wrote */
	expect(old, make_message(&f, "text", f.u64, 8, 16), "text:8+8:8+8");
	/* what leads to another class, or to nobody knows what, is as large and where it was */
	expect(old, make_message(&f, "text", pointer_to(&f, f.nothing), 8, 16), "");
	/* another name for the same */
	expect(old, make_message(&f, "body", pointer_to(&f, f.character), 8, 16), "");
	expect(old, make_message(&f, "body", f.u32, 8, 16), "text:8+8:- body:-:8+4");
	stop(&f);
}

static void test_bases_and_unnamed(void)
{
	fixture f = start();
	hc_type *base = make_struct(&f, "base", 8), *a = make_struct(&f, "derived", 24),
		*b = make_struct(&f, "derived", 24), *unnamed = make_struct(&f, NULL, 8),
		*flexible = make_struct(&f, "derived", 24);

	unnamed->name = "union";
	add_field(base, "x", f.u64, 0);
	add_field(unnamed, "number", f.u64, 0);
	add_field(a, NULL, base, 0);
	add_field(a, "last", f.u64, 16);
	add_field(b, NULL, base, 8);
	add_field(b, "last", f.u64, 16);
	expect(a, b, "base:0+8:8+8");
	/* members of what has no name are the class's own */
	add_field(a, NULL, unnamed, 8);
	a->fields[2].is_base = false;
	add_field(flexible, NULL, base, 0);
	add_field(flexible, "last", f.u64, 16);
	add_field(flexible, "number", f.u64, 8);
	expect(a, flexible, "");
	/* of no size */
	add_field(flexible, "rest", array_of(&f, f.character, 0), 24);
	expect(a, flexible, "");
	CU_ASSERT_EQUAL(hc_abi_count_parts(a), 2);
	CU_ASSERT_EQUAL(hc_abi_count_common(a, flexible), 3);
	stop(&f);
}

static void test_bit_fields(void)
{
	fixture f = start();
	hc_type *a = make_struct(&f, "flags", 4), *b = make_struct(&f, "flags", 4);

	for (unsigned i = 0; i < 2; i++) {
		hc_type *type = i ? b : a;

		add_field(type, "low", f.u32, 0);
		add_field(type, "high", f.u32, 0);
		type->fields[0].bit_size = i ? 3 : 2;
		type->fields[1].bit_size = 5;
		type->fields[1].bit_offset = i ? 3 : 2;
	}
	expect(a, a, "");
	expect(a, b, "low:0+4:0+4 high:0+4:0+4");
	stop(&f);
}

static const hc_enumerator colours[] = { { 0, "RED" }, { 1, "GREEN" } },
			   more[] = { { 0, "RED" }, { 1, "GREEN" }, { 2, "BLUE" } },
			   shifted[] = { { 0, "NONE" }, { 1, "RED" }, { 2, "GREEN" } };

static hc_type *make_enum(fixture *f, const hc_enumerator *list, unsigned count)
{
	hc_type *type = make_type(f, HC_TYPE_ENUM, "colour", 4);

	type->enumerators = (hc_enumerator *)(void *)list;
	type->enumerator_count = count;
	return type;
}

static void test_enums(void)
{
	fixture f = start();
	const hc_type *old = make_enum(&f, colours, G_N_ELEMENTS(colours));

	/* a new value is no difference: nobody means another thing by one */
	expect(make_enum(&f, more, G_N_ELEMENTS(more)), old, "");
	expect(make_enum(&f, shifted, G_N_ELEMENTS(shifted)), old, "NONE:=0:- RED:=1:=0 GREEN:=2:=1");
	CU_ASSERT_EQUAL(hc_abi_count_parts(old), 2);
	stop(&f);
}

static void test_beyond(void)
{
	fixture f = start();
	hc_type *type = make_message(&f, "text", pointer_to(&f, f.character), 8, 24);

	add_field(type, "tail", f.u64, 16);
	for (unsigned size = 16; size <= 24; size += 4) {
		g_autoptr(GArray) beyond = hc_abi_members_beyond(type, size);

		CU_ASSERT_EQUAL(beyond->len, size < 24);
		if (beyond->len)
			CU_ASSERT_STRING_EQUAL(g_array_index(beyond, hc_abi_change, 0).name, "tail");
	}
	stop(&f);
}

/* ---- functions ---- */

static GArray *make_methods(const hc_method *list, unsigned count)
{
	GArray *methods = g_array_new(FALSE, FALSE, sizeof(hc_method));

	g_array_append_vals(methods, list, count);
	return methods;
}

static void test_methods(void)
{
	static const hc_method old[] = { { "~message", NULL, true, true, 0 },
		{ "read", "_ZN7message4readEv", true, false, 2 } },
			       grown[] = { { "check", "_ZN7message5checkEv", true, false, 2 },
				       { "read", "_ZN7message4readEv", true, false, 3 },
				       { "size", "_ZN7message4sizeEv", false, false, 0 } };
	g_autoptr(GArray) a = make_methods(old, G_N_ELEMENTS(old)), b = make_methods(grown, G_N_ELEMENTS(grown)),
			  none = make_methods(old, 1);

	for (unsigned is_template = 0; is_template < 2; is_template++) {
		g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(hc_abi_change));

		hc_abi_compare_methods(a, b, is_template, changes);
		/* of a template what nobody uses is not declared: that one side has it alone says nothing */
		CU_ASSERT_EQUAL(changes->len, is_template ? 1u : 2u);
		if (changes->len) {
			CU_ASSERT_STRING_EQUAL(g_array_index(changes, hc_abi_change, 0).name, "read");
			CU_ASSERT_EQUAL(g_array_index(changes, hc_abi_change, 0).sides[0].offset, 2);
			CU_ASSERT_EQUAL(g_array_index(changes, hc_abi_change, 0).sides[1].offset, 3);
		}
	}
	g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(hc_abi_change));

	/* a compiler that declares none */
	hc_abi_compare_methods(b, none, false, changes);
	CU_ASSERT_EQUAL(changes->len, 0);
}

/* ---- is one class meant? ---- */

static bool is_same(const hc_type *a, const char *a_file, const hc_type *b, const char *b_file, const char *linkage,
	hc_abi_same *ret_same)
{
	hc_namesake names[2] = { { .type = a, .declared = a_file, .unit = "a.c" },
		{ .type = b, .declared = b_file, .unit = "b.c" } };
	const hc_method method = { "read", linkage, true, false, 0 };
	g_autoptr(GArray) methods = make_methods(&method, linkage != NULL);
	struct definition definitions[2] = { { &names[0], methods }, { &names[1], methods } };
	static hc_module modules[2];

	names[0].module = &modules[0];
	names[1].module = &modules[1];
	return hc_abi_is_same(&definitions[0], &definitions[1], ret_same);
}

static void test_same(void)
{
	fixture f = start();
	hc_type *a = make_message(&f, "text", pointer_to(&f, f.character), 8, 16),
		*b = make_message(&f, "text", pointer_to(&f, f.character), 16, 24),
		*other = make_struct(&f, "message", 16);
	hc_abi_same same;

	for (unsigned i = 0; i < 2; i++) {
		add_field(i ? b : a, "count", f.u32, 24);
		add_field(other, i ? "left" : "right", pointer_to(&f, other), i * 8ul);
	}
	/* two versions of a header */
	CU_ASSERT_TRUE(is_same(a, "/usr/include/one/message.h", b, "/build/two/message.h", NULL, &same));
	CU_ASSERT_EQUAL(same, HC_ABI_SAME_FILE);
	/* one name of the linker's */
	CU_ASSERT_TRUE(is_same(a, "message.h", b, "old.h", "_ZN7message4readEv", &same));
	CU_ASSERT_EQUAL(same, HC_ABI_SAME_LINKAGE);
	/* other files, other classes; private ones */
	CU_ASSERT_FALSE(is_same(a, "message.h", b, "other.h", NULL, &same));
	CU_ASSERT_FALSE(is_same(a, "one.c", b, "two.c", "_ZN7message4readEv", &same));
	/* a file of that name, and nothing in common */
	CU_ASSERT_FALSE(is_same(a, "one/list.h", other, "two/list.h", NULL, &same));
	stop(&f);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "members", test_members },
		{ "bases, and members without a name", test_bases_and_unnamed },
		{ "bit fields", test_bit_fields },
		{ "enums", test_enums },
		{ "what does not fit into less", test_beyond },
		{ "virtual functions", test_methods },
		{ "is one class meant?", test_same },
	};

	return unit_main("abi", cases, G_N_ELEMENTS(cases));
}
