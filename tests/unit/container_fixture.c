/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container_fixture.h"

#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- types ---- */

hc_type *make_type(fixture *f, hc_type_kind kind, const char *name, uint64_t size)
{
	hc_type *type = g_new0(hc_type, 1);

	g_ptr_array_add(f->types, type);
	type->kind = kind;
	type->name = type->short_name = name;
	type->size = type->alignment = size;
	return type;
}

hc_type *pointer_to(fixture *f, const hc_type *target)
{
	hc_type *type = make_type(f, HC_TYPE_POINTER, "pointer", WORD);

	type->target = target;
	return type;
}

hc_type *array_of(fixture *f, const hc_type *element, uint64_t count)
{
	hc_type *type = make_type(f, HC_TYPE_ARRAY, "array", element->size * count);

	type->target = element;
	type->count = count;
	type->alignment = element->alignment;
	return type;
}

hc_type *make_struct(fixture *f, const char *name, uint64_t size)
{
	hc_type *type = make_type(f, HC_TYPE_STRUCT, name, size);

	type->template_name = name;
	type->alignment = WORD;
	type->fields = g_new0(hc_field, 16);
	g_ptr_array_add(f->types, type->fields);
	return type;
}

void add_field(hc_type *type, const char *name, const hc_type *field_type, uint64_t offset)
{
	type->fields[type->field_count++] =
		(hc_field){ .name = name, .type = field_type, .offset = offset, .is_base = !name };
}

void add_argument(fixture *f, hc_type *type, const char *name, const hc_type *argument, int64_t value)
{
	if (!type->arguments) {
		type->arguments = g_new0(hc_template_argument, 8);
		g_ptr_array_add(f->types, type->arguments);
	}
	type->arguments[type->argument_count++] =
		(hc_template_argument){ .name = name, .type = argument, .value = value };
}

/* ---- the process ---- */

fixture start(void)
{
	fixture f = { .process = process_start("2.36", 0x40000, 0x40000),
		.types = g_ptr_array_new_with_free_func(g_free) };

	f.u8 = make_type(&f, HC_TYPE_UNSIGNED, "unsigned char", 1);
	f.i32 = make_type(&f, HC_TYPE_SIGNED, "int", 4);
	f.u32 = make_type(&f, HC_TYPE_UNSIGNED, "unsigned int", 4);
	f.u64 = make_type(&f, HC_TYPE_UNSIGNED, "unsigned long", 8);
	f.character = make_type(&f, HC_TYPE_CHAR, "char", 1);
	f.nothing = make_type(&f, HC_TYPE_VOID, "void", 0);
	return f;
}

void stop(fixture *f)
{
	hc_container_set_destroy(f->set);
	hc_diagnostics_destroy(f->diagnostics);
	process_stop(&f->process);
	g_ptr_array_unref(f->types);
}

hc_address take(fixture *f, uint64_t size)
{
	return heap_malloc(f->process.heap, 0, size);
}

void put(fixture *f, hc_address address, uint64_t value)
{
	core_builder_put_word(f->process.core, address, value);
}

bool dump(fixture *f)
{
	if (!process_run_blocks(&f->process, 1))
		return false;
	f->diagnostics = hc_diagnostics_create();
	f->set = hc_container_set_create(NULL, f->process.stages.blocks, 1, f->diagnostics);
	return true;
}

/* ---- descriptions ---- */

bool add_text(hc_container_set *set, const char *text, GError **error)
{
	g_autofree char *directory = g_dir_make_tmp("heapcore-containers-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "test.containers", NULL);
	bool added;

	CU_ASSERT_TRUE(g_file_set_contents(path, text, -1, NULL));
	added = hc_container_set_add_file(set, path, error);
	g_unlink(path);
	g_rmdir(directory);
	return added;
}

void describe(fixture *f, const char *text)
{
	g_autoptr(GError) error = NULL;

	if (add_text(f->set, text, &error))
		return;
	printf("\n%s\n", error->message);
	CU_FAIL("the description should be good");
}

void add_installed(fixture *f)
{
	g_autofree char *path = g_build_filename(g_getenv("HEAPCORE_SRCDIR"), "data", "containers", NULL);
	g_autoptr(GError) error = NULL;

	if (hc_container_set_add_directory(f->set, path, &error))
		return;
	printf("\n%s\n", error->message);
	CU_FAIL("the installed descriptions should be good");
}

/* ---- walks ---- */

bool see_element(hc_address address, uint64_t index, void *data)
{
	seen *s = data;

	if (index < SEEN_MAX)
		s->elements[index] = address;
	s->element_count++;
	return !s->most || s->element_count < s->most;
}

static void see_memory(hc_address address, uint64_t size, hc_memory_role role, void *data)
{
	seen *s = data;

	if (!s->memory_count++)
		s->memory = address;
	s->bytes[role] += size;
}

hc_walk walk(fixture *f, const hc_type *type, hc_address address, seen *ret_seen)
{
	const hc_layout *layout = hc_container_set_layout(f->set, type, NULL);
	const hc_walk_visitor visitor = { .element = see_element, .memory = see_memory, .data = ret_seen };
	hc_walk result = { .grade = HC_GRADE_COUNT };

	memset(ret_seen, 0, sizeof *ret_seen);
	CU_ASSERT_PTR_NOT_NULL(layout);
	if (layout)
		hc_layout_walk(layout, address, &visitor, &result);
	return result;
}

void expect_walk(
	fixture *f, const hc_type *type, hc_address address, hc_grade grade, const char *reason, uint64_t walked)
{
	seen s;
	hc_walk result = walk(f, type, address, &s);

	CU_ASSERT_EQUAL(result.grade, grade);
	CU_ASSERT_EQUAL(result.walked, walked);
	if (reason && result.reason)
		UNIT_ASSERT_CONTAINS(result.reason, reason);
	CU_ASSERT_EQUAL(reason != NULL, result.reason != NULL);
	if (result.grade != grade || result.walked != walked)
		printf("\n%s: %s, %" PRIu64 " walked; expected %s\n", hc_grade_name(result.grade),
			result.reason ? result.reason : "no reason", result.walked, reason ? reason : "none");
}
