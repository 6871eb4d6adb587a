/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* containers/: expressions, files with mistakes and without, which description fits. */
#include "container_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- expressions ---- */

/* struct probe { base { u32 a; i32 b; }; u64 c; probe *self; u8 array[4]; u32 bits : 5 from bit 3; void *nothing; } */
static hc_type *make_probe(fixture *f)
{
	hc_type *base = make_struct(f, "base", 8), *probe = make_struct(f, "probe", 48);

	add_field(base, "a", f->u32, 0);
	add_field(base, "b", f->i32, 4);
	add_field(probe, NULL, base, 0);
	add_field(probe, "c", f->u64, 8);
	add_field(probe, "self", pointer_to(f, probe), 16);
	add_field(probe, "array", array_of(f, f->u8, 4), 24);
	add_field(probe, "bits", f->u32, 28);
	probe->fields[probe->field_count - 1].bit_size = 5;
	probe->fields[probe->field_count - 1].bit_offset = 3;
	add_field(probe, "nothing", pointer_to(f, f->nothing), 32);
	add_argument(f, probe, "_Tp", f->u64, 0);
	add_argument(f, probe, "_Nm", NULL, 11);
	return probe;
}

static hc_address put_probe(fixture *f)
{
	hc_address probe = take(f, 48);

	core_builder_put(f->process.core, probe, 7, 4);
	core_builder_put(f->process.core, probe + 4, (uint32_t)-3, 4);
	put(f, probe + 8, 1000);
	put(f, probe + 16, probe);
	core_builder_put_bytes(f->process.core, probe + 24, "\1\2\3\4", 4);
	core_builder_put(f->process.core, probe + 28, 21 << 3 | 7, 4);
	put(f, probe + 32, probe + 8);
	return probe;
}

static void expressions_have_values(void)
{
	static const struct {
		const char *text;
		uint64_t value;
	} cases[] = {
		{ "1 + 2 * 3", 7 },
		{ "(1 + 2) * 3 - -1", 10 },
		{ "10 - 3 - 2", 5 },
		{ "0x10 | 1 << 2 ^ 4", 16 },
		{ "7 / 2 * 100 + 7 % 4", 303 },
		{ "a", 7 },
		{ "b", UINT64_MAX - 2 },
		{ "b < 0", 1 },
		{ "a > b", 1 },
		{ "-b", 3 },
		{ "b / 2", (uint64_t)-1 },
		{ "c / 8", 125 },
		{ "c % 16", 8 },
		{ "self.self->c", 1000 },
		{ "this.a + self.a", 14 },
		{ "array[2] * 10 + array[a - 6]", 32 },
		{ "(*self).b == b", 1 },
		{ "bits", 21 },
		{ "&c - &this", 8 },
		{ "u32(&this + 4 * 2)", 1000 },
		{ "i32(&a + 4) == -3", 1 },
		{ "u8(&this + a + 18)", 2 },
		{ "word(nothing)", 1000 },
		{ "*nothing == 0 || 1", 0 }, /* not compiled: see below */
		{ "sizeof(this) + sizeof(*self) + sizeof(array)", 100 },
		{ "alignof(a)", 4 },
		{ "sizeof(T0) * 100 + vparam(this, _Nm)", 811 },
		{ "sizeof(param(this, _Tp))", 8 },
		{ "&cast(typeof(this), 0).c", 8 },
		{ "cast(typeof(this), self).a", 7 },
		{ "align_up(9, 8) + min(3, a) + max(3, a)", 26 },
		{ "log2(c)", 9 },
		{ "has(a) * 2 + has(zzz)", 2 },
		{ "has(zzz) ? zzz : a", 7 },
		{ "first(zzz, yyy.x, c)", 1000 },
		{ "has(zzz) && zzz == 1", 0 },
		{ "1 || zzz", 1 },
		{ "a == 7 ? b == -3 ? 5 : 6 : 8", 5 },
		{ "!a + ~0 + 1", 0 },
		{ "self != 0 && self.a == 7", 1 },
		{ "is_pointer(self) + is_struct(*self) + is_integer(a) + is_void(*nothing) + is_array(array)", 5 },
		{ "same(*self, this)", 1 },
		{ "members(this)", 6 },
		{ "sizeof(base(this)) * 10 + alignof(T0)", 88 },
		{ "helper * 2", 2000 },
		{ "usable(self)", 56 },
		{ "18446744073709551615 > 1", 1 },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(fixture) f = start();
		hc_type *probe = make_probe(&f);
		hc_address address = put_probe(&f);
		bool uses_helper = strstr(cases[i].text, "helper");
		g_autofree char *text =
			g_strdup_printf("[probe]\nmatch=probe\nkind=single\ndata=0\ncount=0\n%scapacity=%s\n",
				uses_helper ? "helper=c\n" : "", cases[i].text);
		const hc_layout *layout;
		hc_walk result;

		if (!dump(&f))
			return;
		describe(&f, text);
		layout = hc_container_set_layout(f.set, probe, NULL);
		if (strstr(cases[i].text, "*nothing == 0")) {
			CU_ASSERT_PTR_NULL(layout);
			continue;
		}
		CU_ASSERT_PTR_NOT_NULL(layout);
		if (!layout) {
			printf("\n%s\n", cases[i].text);
			continue;
		}
		hc_layout_walk(layout, address, NULL, &result);
		CU_ASSERT_EQUAL(result.capacity, cases[i].value);
		if (result.capacity != cases[i].value)
			printf("\n%s: %" PRIu64 "\n", cases[i].text, result.capacity);
	}
}

static void unreadable_is_not_zero(void)
{
	static const char *const cases[] = { "u64(16)", "c / (a - 7)", "self.self.self.c + u8(c)", "u64(16) || 1" };

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(fixture) f = start();
		hc_type *probe = make_probe(&f);
		hc_address address = put_probe(&f);
		g_autofree char *text =
			g_strdup_printf("[probe]\nmatch=probe\nkind=single\ndata=0\ncount=%s\n", cases[i]);

		if (!dump(&f))
			return;
		describe(&f, text);
		expect_walk(&f, probe, address, HC_GRADE_IMPLAUSIBLE, "cannot be read", 0);
	}
}

/* ---- files ---- */

static char *repeat(const char *text, unsigned count, const char *end)
{
	GString *result = g_string_new(NULL);

	while (count--)
		g_string_append(result, text);
	g_string_append(result, end);
	return g_string_free(result, FALSE);
}

static void mistakes_are_told(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "[x]\nmatch=x\nkind=single\ndata=1 +\n", "[x] data: column 4: the expression ends too early" },
		{ "[x]\nmatch=x\nkind=single\ndata=(1\n", "column 3: a ')' is missing" },
		{ "[x]\nmatch=x\nkind=single\ndata=1 $ 2\n", "column 3: this is neither" },
		{ "[x]\nmatch=x\nkind=single\ndata=a b\n", "column 3: the expression should end here" },
		{ "[x]\nmatch=x\nkind=single\ndata=12x\n", "column 1: this is neither" },
		{ "[x]\nmatch=x\nkind=single\ndata=a.1\n", "the name of a member is missing" },
		{ "[x]\nmatch=x\nkind=single\ndata=strlen(a)\n", "column 1: there is no function strlen()" },
		{ "[x]\nmatch=x\nkind=single\ndata=min(a)\n", "there is no function min() with so many" },
		{ "[x]\nmatch=x\nkind=blob\ndata=1\n", "there is no kind \"blob\"" },
		{ "[x]\nmatch=x\ndata=1\n", "has no key kind" },
		{ "[x]\nmatch=x\nkind=linked\nhead=a\n", "kind linked needs the key next" },
		{ "[x]\nkind=single\ndata=1\n", "neither match nor shape" },
		{ "[x]\nmatch=x\nkind=single\ndata=1\ncuont=1\n", "[x] cuont: is not known here" },
		{ "[x]\nmatch=x\nkind=single\ndata=1\nguess=maybe\n", "should be true or false" },
		{ "[x]\nmatch=x\nkind=erased\nfunction=f\nobject=o\ninline=i\n", "needs the key argument" },
		{ "[annotate]\ng_list=struct job\n", "should be elem=TYPE" },
		{ "[annotate]\ng_list=elen=job\n", "elen= is not known" },
		{ "no group\n", "test.containers" },
	};
	g_auto(fixture) f = start();

	if (!dump(&f))
		return;
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		CU_ASSERT_FALSE(add_text(f.set, cases[i].text, &error));
		CU_ASSERT_TRUE(g_error_matches(error, HC_ERROR, HC_ERROR_BAD_DATA));
		UNIT_ASSERT_CONTAINS(error ? error->message : "nothing", cases[i].message);
	}
}

/* Depth, length, keys that need each other, keys that double each time. */
static void extremes_end(void)
{
	static const struct {
		const char *begin, *part;
		unsigned count;
		const char *end;
	} cases[] = {
		{ "data=", "(", 5000, "1" },
		{ "data=", "!", 5000, "1" },
		{ "data=1", "+1", 5000, "" },
		{ "data=this", ".self", 500, "" },
		{ "data=", "first(", 500, "1" },
		{ "data=", "a?", 500, "1" },
		{ "data=", "this[", 500, "1" },
		{ "data=\"", "x", 100000, "\"" },
	};
	g_auto(fixture) f = start();
	hc_type *probe = make_probe(&f);
	g_autofree char *longest = repeat("+c", 2000, "");
	g_autofree char *circle = NULL;
	GString *doubling = g_string_new("[d]\nmatch=probe\nkind=linked\nhead=self\nnext=k0\n");

	if (!dump(&f))
		return;
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *body = repeat(cases[i].part, cases[i].count, cases[i].end);
		g_autofree char *text =
			g_strconcat("[x]\nmatch=probe\nkind=single\n", cases[i].begin, body, "\n", NULL);
		g_autoptr(GError) error = NULL;

		CU_ASSERT_FALSE(add_text(f.set, text, &error));
		CU_ASSERT_TRUE(g_error_matches(error, HC_ERROR, HC_ERROR_BAD_DATA));
	}
	circle = g_strdup("[c]\nmatch=probe\nkind=single\ndata=x1\nx1=x2\nx2=x1 + 1\n");
	describe(&f, circle);
	CU_ASSERT_PTR_NULL(hc_container_set_layout(f.set, probe, NULL));
	for (unsigned i = 0; i < 40; i++)
		g_string_append_printf(doubling, "k%u=k%u + k%u + node.c\n", i, i + 1, i + 1);
	g_string_append(doubling, "k40=node.c\n");
	describe(&f, doubling->str);
	CU_ASSERT_PTR_NULL(hc_container_set_layout(f.set, probe, NULL));
	g_string_free(doubling, TRUE);
}

static void the_first_that_fits_wins(void)
{
	g_auto(fixture) f = start();
	hc_type *probe = make_probe(&f), *other = make_struct(&f, "other", 16);
	hc_address address = put_probe(&f);
	const hc_layout *layout;
	hc_walk result;

	add_field(other, "a", f.u64, 0);
	if (!dump(&f))
		return;
	describe(&f, "[one]\nmatch=probe\nwhen=has(zzz)\nkind=single\ndata=0\n"
		     "[two]\nmatch=probe\nkind=single\ndata=zzz\n"
		     "[three]\nshape=a;zzz|c\nguess=true\nkind=single\ndata=0\n"
		     "[four]\nmatch=pro*\nkind=single\ndata=0\n");
	layout = hc_container_set_layout(f.set, probe, NULL);
	CU_ASSERT_PTR_NOT_NULL(layout);
	UNIT_ASSERT_TEXT(layout ? hc_layout_description(layout) : "none", "three");
	CU_ASSERT_TRUE(layout && hc_layout_is_guess(layout));
	CU_ASSERT_PTR_NULL(hc_container_set_layout(f.set, other, NULL));
	CU_ASSERT_PTR_NULL(hc_container_set_layout(f.set, f.u64, NULL));
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "container-does-not-fit"), 0);
	/* A type that has the name, and fits none: told. */
	describe(&f, "[five]\nmatch=other\nkind=single\ndata=zzz\n");
	CU_ASSERT_PTR_NULL(hc_container_set_layout(f.set, other, NULL));
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "container-does-not-fit"), 1);
	if (layout)
		hc_layout_measure(layout, address, &result);
}

/* What a pointer leads to, whatever its type is called. */
static void annotations_name_a_group(void)
{
	g_auto(fixture) f = start();
	hc_type *probe = make_probe(&f), *pointer = pointer_to(&f, probe), *hidden = pointer_to(&f, f.nothing);
	hc_address address = put_probe(&f), variable = take(&f, 24);
	const hc_layout *layout;
	hc_walk result;

	put(&f, variable, address);
	if (!dump(&f))
		return;
	describe(&f,
		"[one]\nmatch=none\nkind=single\ndata=0\ncount=0\ncapacity=u64(&this + 8)\n"
		"[annotate]\ng_probe=as=one\nholder.member = as = one;\ng_bad=as=two\n[annotate more]\ng_hidden=as=one\n");
	CU_ASSERT_PTR_NULL(hc_container_set_layout(f.set, pointer, NULL));
	CU_ASSERT_PTR_NULL(hc_container_set_layout(f.set, pointer, "g_other"));
	CU_ASSERT_PTR_NULL(hc_container_set_layout(f.set, pointer, "g_bad"));
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "container-does-not-fit"), 1);
	for (unsigned i = 0; i < 3; i++) {
		layout = hc_container_set_layout(f.set, i == 2 ? hidden : pointer,
			i == 0 ? "g_probe" :
			i == 1 ? "holder.member" :
				 "g_hidden");
		CU_ASSERT_PTR_NOT_NULL(layout);
		if (!layout)
			continue;
		hc_layout_walk(layout, variable, NULL, &result);
		CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
		CU_ASSERT_EQUAL(result.capacity, 1000);
		hc_layout_walk(layout, variable + 8, NULL, &result);
		CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
		CU_ASSERT_EQUAL(result.claimed, 0);
	}
	layout = hc_container_set_layout(f.set, probe, "g_probe");
	CU_ASSERT_PTR_NOT_NULL(layout);
	if (layout)
		hc_layout_measure(layout, address, &result);
	CU_ASSERT_EQUAL(result.capacity, 1000);
}

/* ---- documentation ---- */

/* The example of docs/containers.md, taken from the page: the struct that it describes, and a ring of three messages. */
static void the_example_of_the_page_works(void)
{
	g_autofree char *path = g_build_filename(g_getenv("HEAPCORE_SRCDIR"), "docs", "containers.md", NULL);
	g_autofree char *page = NULL, *example = NULL;
	const char *begin, *end;
	g_auto(fixture) f = start();
	hc_type *job = make_struct(&f, "job", 24), *queue = make_struct(&f, "job_queue", 32);
	hc_address at = take(&f, 32), slots = take(&f, 64), jobs[3];
	seen s;
	hc_walk result;

	add_field(job, "id", f.u64, 0);
	add_field(queue, "slots", pointer_to(&f, pointer_to(&f, job)), 0);
	add_field(queue, "room", f.u32, 8);
	add_field(queue, "oldest", f.u32, 12);
	add_field(queue, "waiting", f.u32, 16);
	put(&f, at, slots);
	core_builder_put(f.process.core, at + 8, 8, 4);
	core_builder_put(f.process.core, at + 12, 6, 4);
	core_builder_put(f.process.core, at + 16, 3, 4);
	for (unsigned i = 0; i < 3; i++) {
		jobs[i] = take(&f, 24);
		put(&f, slots + (6 + i) % 8 * 8, jobs[i]);
	}
	CU_ASSERT_TRUE(g_file_get_contents(path, &page, NULL, NULL));
	begin = page ? strstr(page, "```ini\n[job queue]") : NULL;
	end = begin ? strstr(begin + 7, "```") : NULL;
	CU_ASSERT_PTR_NOT_NULL(end);
	if (!end || !dump(&f))
		return;
	example = g_strndup(begin + 7, end - begin - 7);
	describe(&f, example);
	result = walk(&f, queue, at, &s);
	CU_ASSERT_EQUAL(result.grade, HC_GRADE_EXACT);
	CU_ASSERT_EQUAL(result.walked, 3);
	CU_ASSERT_EQUAL(result.capacity, 8);
	CU_ASSERT_EQUAL(s.elements[0], slots + 48);
	CU_ASSERT_EQUAL(s.elements[2], slots);
	CU_ASSERT_EQUAL(s.bytes[HC_MEMORY_BUFFER], 64);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "expressions have values", expressions_have_values },
		{ "what cannot be read is not 0", unreadable_is_not_zero },
		{ "mistakes in files are told, with their place", mistakes_are_told },
		{ "extremes end", extremes_end },
		{ "the first description that fits wins", the_first_that_fits_wins },
		{ "annotations name a group, through pointers too", annotations_name_a_group },
		{ "the example of the page works", the_example_of_the_page_works },
	};

	return unit_main("container files", cases, G_N_ELEMENTS(cases));
}
