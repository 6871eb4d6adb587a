/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * modules/: modules of a core, and the files that they were mapped from. The program in the core is a copy of /bin/true in a
 * temporary folder; its build-id is read here from the copy's own bytes.
 */
#include "core/core.h"
#include "core_builder.h"
#include "modules/modules.h"
#include "unit.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	PAGE = 4096
};

static const hc_address base = 0x555555554000;

typedef struct fixture {
	char *folder, *path, *other; /* of the program, and of another file that a test may write */
	char *bytes;		     /* of the program's file */
	gsize size;
	gsize id_at, id_size; /* its build-id */
	hc_address text, end; /* a page of code that the core leaves out; the end of its last mapping */
	bool no_headers;      /* the core leaves out the page of ELF headers, too */
	core_builder *builder;
	hc_diagnostics *diagnostics;
	hc_core *core;
	hc_modules *modules;
	GError *error;
} fixture;

static void stop(fixture *f)
{
	hc_modules_close(f->modules);
	hc_core_close(f->core);
	hc_diagnostics_destroy(f->diagnostics);
	core_builder_destroy(f->builder);
	g_clear_error(&f->error);
	g_unlink(f->path);
	g_unlink(f->other);
	g_rmdir(f->folder);
	g_free(f->folder);
	g_free(f->path);
	g_free(f->other);
	g_free(f->bytes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(fixture, stop)

static const Elf64_Phdr *program_header(const fixture *f, unsigned index)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)(void *)f->bytes;

	return index < header->e_phnum ? (const Elf64_Phdr *)(void *)(f->bytes + header->e_phoff) + index : NULL;
}

static void find_build_id(fixture *f)
{
	const Elf64_Phdr *header;

	for (unsigned i = 0; (header = program_header(f, i)); i++)
		for (gsize at = header->p_offset;
			header->p_type == PT_NOTE && at + 16 <= header->p_offset + header->p_filesz;) {
			const Elf64_Nhdr *note = (const Elf64_Nhdr *)(void *)(f->bytes + at);

			if (note->n_type == NT_GNU_BUILD_ID) {
				f->id_at = at + 16;
				f->id_size = note->n_descsz;
			}
			at += 12 + ((note->n_namesz + 3) & ~3u) + ((note->n_descsz + 3) & ~3u);
		}
}

static char *build_id(const char *bytes, gsize size)
{
	GString *text = g_string_new(NULL);

	for (gsize i = 0; i < size; i++)
		g_string_append_printf(text, "%02x", (uint8_t)bytes[i]);
	return g_string_free(text, FALSE);
}

/* The mappings of the program at BASE: as the kernel dumps them, the page of headers and what may be written. PATH: NULL: no NT_FILE. */
static void add_program(fixture *f, const char *path)
{
	const Elf64_Phdr *header;

	for (unsigned i = 0; (header = program_header(f, i)); i++) {
		if (header->p_type != PT_LOAD)
			continue;
		hc_address from = base + (header->p_vaddr & ~(uint64_t)(PAGE - 1));
		hc_address to = base + ((header->p_vaddr + header->p_memsz + PAGE - 1) & ~(uint64_t)(PAGE - 1));
		uint64_t offset = header->p_offset & ~(uint64_t)(PAGE - 1);
		bool whole = header->p_flags & PF_W, first = !offset;
		uint8_t *bytes = core_builder_add_partly(f->builder, from, to - from,
			whole			? to - from :
			first && !f->no_headers ? PAGE :
						  0,
			header->p_flags);
		hc_address file_end = base + ((header->p_vaddr + header->p_filesz + PAGE - 1) & ~(uint64_t)(PAGE - 1));

		if (bytes)
			memcpy(bytes, f->bytes + offset,
				MIN(f->size - offset, whole ? header->p_filesz + header->p_vaddr % PAGE : PAGE));
		if (path)
			core_builder_add_file(f->builder, from, file_end, offset, path);
		if (header->p_flags & PF_X)
			f->text = from;
		f->end = to;
	}
	core_builder_add_auxiliary(f->builder, AT_PHDR, base + 64);
}

static fixture start(void)
{
	fixture f = { .builder = core_builder_create(8, false), .diagnostics = hc_diagnostics_create() };

	f.folder = g_dir_make_tmp("heapcore-modules-XXXXXX", NULL);
	f.path = g_build_filename(f.folder, "true", NULL);
	f.other = g_build_filename(f.folder, "other", NULL);
	g_assert(g_file_get_contents("/bin/true", &f.bytes, &f.size, NULL) &&
		 g_file_set_contents(f.path, f.bytes, f.size, NULL));
	find_build_id(&f);
	g_assert(f.id_size);
	return f;
}

static bool open_core(fixture *f)
{
	f->core = core_builder_open(f->builder, f->diagnostics, &f->error);
	if (!f->core)
		CU_FAIL("the core opens");
	return f->core;
}

static bool run_with(fixture *f, const hc_modules_options *options)
{
	if (!open_core(f))
		return false;
	f->modules = hc_modules_open(f->core, options, f->diagnostics, &f->error);
	return f->modules;
}

static bool run(fixture *f)
{
	static const hc_modules_options none;

	if (run_with(f, &none))
		return true;
	CU_FAIL("the modules are found");
	return false;
}

/* Writes the program's file to PATH with another build-id, which is returned. */
static char *write_other_build(const fixture *f, const char *path)
{
	g_autofree char *bytes = g_memdup2(f->bytes, f->size);

	bytes[f->id_at] ^= 0x5a;
	g_assert(g_file_set_contents(path, bytes, f->size, NULL));
	return build_id(bytes + f->id_at, f->id_size);
}

static const hc_module *the_program(const fixture *f)
{
	const hc_module *module = hc_modules_find(f->modules, base);

	if (!module)
		CU_FAIL("the program is a module");
	return module;
}

/* Whether the core has the program's text: the file's bytes. */
static bool has_text(const fixture *f)
{
	uint8_t bytes[256];

	return hc_core_read(f->core, f->text + 0x100, bytes, sizeof bytes) &&
	       !memcmp(bytes, f->bytes + (f->text - base) + 0x100, sizeof bytes);
}

/* ---- the file agrees, differs, is missing ---- */

static void test_agrees(void)
{
	g_auto(fixture) f = start();
	g_autofree char *id = build_id(f.bytes + f.id_at, f.id_size);

	add_program(&f, f.path);
	if (!run(&f))
		return;
	const hc_module *module = the_program(&f);

	if (!module)
		return;
	CU_ASSERT_EQUAL(hc_modules_count(f.modules), 1);
	CU_ASSERT_EQUAL(module->state, HC_MODULE_AGREES);
	UNIT_ASSERT_TEXT(module->build_id, id);
	UNIT_ASSERT_TEXT(module->file_build_id, id);
	UNIT_ASSERT_TEXT(module->path, f.path);
	UNIT_ASSERT_TEXT(module->file, f.path);
	UNIT_ASSERT_TEXT(module->name, "true");
	CU_ASSERT_TRUE(module->is_executable);
	CU_ASSERT_FALSE(module->is_vdso);
	CU_ASSERT_EQUAL(module->start, base);
	CU_ASSERT_EQUAL(module->end, f.end);
	CU_ASSERT_EQUAL(module->bias, base);
	CU_ASSERT_PTR_EQUAL(hc_modules_executable(f.modules), module);
	CU_ASSERT_PTR_EQUAL(hc_modules_get(f.modules, 0), module);
	CU_ASSERT_PTR_NULL(hc_modules_get(f.modules, 1));
	CU_ASSERT_EQUAL(hc_modules_index(f.modules, module), 0);
	CU_ASSERT_PTR_NULL(hc_modules_find(f.modules, base - 1));
	CU_ASSERT_PTR_EQUAL(hc_modules_find(f.modules, f.end - 1), module);
	CU_ASSERT_PTR_NULL(hc_modules_find(f.modules, f.end));
	CU_ASSERT_TRUE(has_text(&f));
	CU_ASSERT_EQUAL(hc_core_find_mapping(f.core, f.text)->source, HC_SOURCE_FILE);
	CU_ASSERT_EQUAL(hc_core_find_mapping(f.core, base)->source, HC_SOURCE_CORE);
}

static void test_differs(void)
{
	g_auto(fixture) f = start();
	g_autofree char *id = build_id(f.bytes + f.id_at, f.id_size), *other = write_other_build(&f, f.path);

	add_program(&f, f.path);
	if (!run(&f) || !the_program(&f))
		return;
	CU_ASSERT_EQUAL(the_program(&f)->state, HC_MODULE_DIFFERS);
	UNIT_ASSERT_TEXT(the_program(&f)->build_id, id);
	UNIT_ASSERT_TEXT(the_program(&f)->file_build_id, other);
	CU_ASSERT_FALSE(has_text(&f));
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "file-differs"), 1);
	CU_ASSERT_FALSE(hc_module_defines(f.modules, the_program(&f), "main"));
}

static void test_missing(void)
{
	g_auto(fixture) f = start();

	add_program(&f, f.path);
	g_unlink(f.path);
	if (!run(&f) || !the_program(&f))
		return;
	CU_ASSERT_EQUAL(the_program(&f)->state, HC_MODULE_MISSING);
	CU_ASSERT_PTR_NULL(the_program(&f)->file);
	CU_ASSERT_FALSE(has_text(&f));
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "file-missing"), 1);
	hc_address_name name = { 0 };

	CU_ASSERT_TRUE(hc_modules_name(f.modules, base + 0x10, &name));
	CU_ASSERT_TRUE(name.module && !name.symbol && name.offset == 0x10 && !name.is_thread_local);
	CU_ASSERT_FALSE(hc_modules_name(f.modules, f.end, &name));
}

/* A folder or a FIFO where the file was. */
static void test_no_regular_file(void)
{
	g_auto(fixture) f = start();

	add_program(&f, f.folder);
	if (!run(&f) || !the_program(&f))
		return;
	CU_ASSERT_EQUAL(the_program(&f)->state, HC_MODULE_MISSING);
}

/* The kernel marks files that were replaced. The one at the path now may be the same again. */
static void test_deleted(void)
{
	g_auto(fixture) f = start();
	g_autofree char *marked = g_strconcat(f.path, " (deleted)", NULL);

	add_program(&f, marked);
	if (!run(&f) || !the_program(&f))
		return;
	CU_ASSERT_EQUAL(the_program(&f)->state, HC_MODULE_AGREES);
	UNIT_ASSERT_TEXT(the_program(&f)->file, f.path);
	CU_ASSERT_TRUE(has_text(&f));
}

static void test_sysroot(void)
{
	g_auto(fixture) f = start();
	const hc_modules_options options = { .sysroot = f.folder };

	add_program(&f, "/true"); /* there is none in our own root */
	if (!run_with(&f, &options) || !the_program(&f))
		return;
	CU_ASSERT_EQUAL(the_program(&f)->state, HC_MODULE_AGREES);
	UNIT_ASSERT_TEXT(the_program(&f)->file, f.path);
}

/* A link in the sysroot means what it meant there, and none leads out of it. */
static void test_sysroot_links(void)
{
	static const char *const targets[] = { "/true", "../../../../../../../../true", "again" };

	for (unsigned i = 0; i < G_N_ELEMENTS(targets); i++) {
		g_auto(fixture) f = start();
		const hc_modules_options options = { .sysroot = f.folder };
		g_autofree char *link = g_build_filename(f.folder, "link", NULL);
		g_autofree char *again = g_build_filename(f.folder, "again", NULL);

		g_assert(!symlink(targets[i], link) && !symlink("/./true", again));
		add_program(&f, "/link");
		if (run_with(&f, &options) && the_program(&f)) {
			CU_ASSERT_EQUAL(the_program(&f)->state, HC_MODULE_AGREES);
			UNIT_ASSERT_TEXT(the_program(&f)->file, f.path);
		}
		g_assert(!unlink(link) && !unlink(again));
	}
}

/* Without build-ids the first page decides. */
static void check_no_build_id(bool same_page)
{
	g_auto(fixture) f = start();

	memset(f.bytes + f.id_at - 16 + 8, 0x7f, 4); /* the note's type */
	g_assert(g_file_set_contents(f.path, f.bytes, f.size, NULL));
	add_program(&f, f.path);
	if (!same_page)
		*core_builder_at(f.builder, base + 0xfff) ^= 1;
	if (!run(&f) || !the_program(&f))
		return;
	CU_ASSERT_PTR_NULL(the_program(&f)->build_id);
	CU_ASSERT_PTR_NULL(the_program(&f)->file_build_id);
	CU_ASSERT_EQUAL(the_program(&f)->state, same_page ? HC_MODULE_AGREES : HC_MODULE_DIFFERS);
	CU_ASSERT_EQUAL(has_text(&f), same_page);
}

static void test_no_build_id(void)
{
	check_no_build_id(true);
	check_no_build_id(false);
}

/* ---- the binary that the user names ---- */

static void test_named_binary(void)
{
	g_auto(fixture) f = start();
	const hc_modules_options options = { .binary = f.other };

	add_program(&f, "/nonexistent/true");
	g_assert(g_file_set_contents(f.other, f.bytes, f.size, NULL));
	if (!run_with(&f, &options) || !the_program(&f)) {
		CU_FAIL("the right binary is taken");
		return;
	}
	CU_ASSERT_EQUAL(the_program(&f)->state, HC_MODULE_AGREES);
	UNIT_ASSERT_TEXT(the_program(&f)->file, f.other);
	CU_ASSERT_TRUE(has_text(&f));
}

static void test_wrong_binary(void)
{
	g_auto(fixture) f = start();
	const hc_modules_options options = { .binary = f.other };
	g_autofree char *id = build_id(f.bytes + f.id_at, f.id_size), *other = write_other_build(&f, f.other);

	add_program(&f, f.path);
	CU_ASSERT_FALSE(run_with(&f, &options));
	CU_ASSERT_TRUE(g_error_matches(f.error, HC_ERROR, HC_ERROR_MISMATCH));
	if (!f.error)
		return;
	UNIT_ASSERT_CONTAINS(f.error->message, id);
	UNIT_ASSERT_CONTAINS(f.error->message, other);
	UNIT_ASSERT_CONTAINS(f.error->message, f.other);
}

static void test_unreadable_binary(void)
{
	g_auto(fixture) f = start();
	const hc_modules_options missing = { .binary = "/nonexistent/binary" }, folder = { .binary = f.folder };

	add_program(&f, f.path);
	CU_ASSERT_FALSE(run_with(&f, &missing));
	CU_ASSERT_TRUE(g_error_matches(f.error, HC_ERROR, HC_ERROR_IO));
	g_clear_error(&f.error);
	CU_ASSERT_PTR_NULL(hc_modules_open(f.core, &folder, f.diagnostics, &f.error));
	CU_ASSERT_TRUE(g_error_matches(f.error, HC_ERROR, HC_ERROR_IO));
}

/*
 * Nothing in the core tells where the program was: it is not used, which is said. What is no
 * program is refused.
 */
static void test_binary_unverifiable(void)
{
	g_auto(fixture) f = start();
	const hc_modules_options options = { .binary = f.path }, text = { .binary = f.other };

	core_builder_add_memory(f.builder, 0x10000, 0x1000, PF_R | PF_W);
	CU_ASSERT_TRUE(run_with(&f, &options));
	CU_ASSERT_EQUAL(hc_modules_count(f.modules), 0);
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "binary-unplaced"), 1);
	CU_ASSERT_TRUE(hc_diagnostics_partial(f.diagnostics));
	g_assert(g_file_set_contents(f.other, "no program", -1, NULL));
	CU_ASSERT_PTR_NULL(hc_modules_open(f.core, &text, f.diagnostics, &f.error));
	CU_ASSERT_TRUE(g_error_matches(f.error, HC_ERROR, HC_ERROR_MISMATCH));
}

/*
 * A core of gdb's that was cut: its notes were at the end, and its text is nowhere. The headers
 * tell which program it is.
 */
static void test_cut_gcore(void)
{
	g_auto(fixture) f = start();
	const hc_modules_options options = { .binary = f.path };

	add_program(&f, NULL);
	for (unsigned i = 0; i < f.builder->segments->len;)
		if (g_array_index(f.builder->segments, core_segment, i).flags & PF_X)
			g_array_remove_index(f.builder->segments, i);
		else
			i++;
	if (!run_with(&f, &options) || !the_program(&f)) {
		CU_FAIL("it is found");
		return;
	}
	CU_ASSERT_TRUE(the_program(&f)->is_executable);
	CU_ASSERT_EQUAL(the_program(&f)->state, HC_MODULE_AGREES);
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "binary-unplaced"), 0);
}

/* ---- the core has no ELF headers ---- */

/*
 * What the dynamic linker does: the words that relative relocations name get the addresses. Returns
 * the last in what is read-only then.
 */
static hc_address relocate(const fixture *f)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)(void *)f->bytes;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(void *)(f->bytes + header->e_shoff);
	hc_address last = 0;

	for (unsigned i = 0; i < header->e_shnum; i++)
		for (uint64_t at = 0; sections[i].sh_type == SHT_RELA && at < sections[i].sh_size;
			at += sizeof(Elf64_Rela)) {
			const Elf64_Rela *one = (const Elf64_Rela *)(void *)(f->bytes + sections[i].sh_offset + at);

			if (ELF64_R_TYPE(one->r_info) != R_X86_64_RELATIVE)
				continue;
			core_builder_put_word(f->builder, base + one->r_offset, base + one->r_addend);
			for (unsigned k = 0; k < header->e_phnum; k++)
				if (program_header(f, k)->p_type == PT_GNU_RELRO &&
					one->r_offset - program_header(f, k)->p_vaddr < program_header(f, k)->p_memsz)
					last = base + one->r_offset;
		}
	return last;
}

/* The place of the value of TAG in the program's dynamic section. */
static hc_address dynamic_value(const fixture *f, int64_t tag)
{
	for (unsigned i = 0; program_header(f, i); i++)
		for (uint64_t at = 0; program_header(f, i)->p_type == PT_DYNAMIC && at < program_header(f, i)->p_filesz;
			at += sizeof(Elf64_Dyn))
			if ((int64_t)core_builder_word(f->builder, base + program_header(f, i)->p_vaddr + at) == tag)
				return base + program_header(f, i)->p_vaddr + at + 8;
	CU_FAIL("the dynamic section has the tag");
	return base;
}

/* Dumps the segment with these flags after all; PATCH goes to its byte 0x80. */
static void add_dumped(fixture *f, uint32_t flags, int patch)
{
	for (unsigned i = 0; program_header(f, i); i++) {
		const Elf64_Phdr *header = program_header(f, i);
		uint64_t size = (header->p_filesz + PAGE - 1) & ~(uint64_t)(PAGE - 1);

		if (header->p_type != PT_LOAD || header->p_flags != flags || !header->p_offset)
			continue;
		for (unsigned k = 0; k < f->builder->segments->len; k++) {
			core_segment *segment = &g_array_index(f->builder->segments, core_segment, k);

			if (segment->address != base + header->p_vaddr)
				continue;
			g_array_remove_index(f->builder->segments, k);
			core_builder_add_memory(f->builder, base + header->p_vaddr, size, flags);
			core_builder_put_bytes(f->builder, base + header->p_vaddr, f->bytes + header->p_offset,
				MIN(size, f->size - header->p_offset)); /* whole pages of the file */
			if (patch >= 0)
				core_builder_put(f->builder, base + header->p_vaddr + 0x80, patch, 1);
			return;
		}
	}
	CU_FAIL("there is such a segment");
}

static hc_address start_without_headers(fixture *f, const char *path)
{
	f->no_headers = true;
	add_program(f, path);
	core_builder_put_word(f->builder, dynamic_value(f, DT_STRTAB),
		base + core_builder_word(f->builder, dynamic_value(f, DT_STRTAB)));
	core_builder_put_word(f->builder, dynamic_value(f, DT_DEBUG), 0x7ffff7ffe000);
	return relocate(f);
}

static void check_used(fixture *f)
{
	if (!run(f) || !the_program(f))
		return;
	CU_ASSERT_EQUAL(the_program(f)->state, HC_MODULE_UNCONFIRMED);
	CU_ASSERT_PTR_NULL(the_program(f)->build_id);
	UNIT_ASSERT_TEXT(the_program(f)->name, "true");
	UNIT_ASSERT_TEXT(the_program(f)->file, f->path);
	CU_ASSERT_EQUAL(the_program(f)->start, base);
	CU_ASSERT_EQUAL(the_program(f)->end, f->end);
	CU_ASSERT_TRUE(the_program(f)->is_executable);
	CU_ASSERT_TRUE(has_text(f));
	CU_ASSERT_EQUAL(core_builder_told(f->diagnostics, "file-unconfirmed"), 1);
	CU_ASSERT_EQUAL(core_builder_told(f->diagnostics, "file-contradicted"), 0);
	CU_ASSERT_TRUE(hc_diagnostics_partial(f->diagnostics));
}

static void check_contradicted(fixture *f, const char *what)
{
	if (!run(f))
		return;
	CU_ASSERT_EQUAL(hc_modules_count(f->modules), 0);
	CU_ASSERT_FALSE(has_text(f));
	CU_ASSERT_EQUAL(core_builder_told(f->diagnostics, "file-unconfirmed"), 0);
	CU_ASSERT_EQUAL(core_builder_told(f->diagnostics, "file-contradicted"), 1);
	for (unsigned i = 0; i < hc_diagnostics_count(f->diagnostics); i++) {
		const hc_diagnostic *one = hc_diagnostics_get(f->diagnostics, i);

		if (!strcmp(one->kind->id, "file-contradicted"))
			UNIT_ASSERT_CONTAINS(one->example, what);
	}
}

static void test_unconfirmed(void)
{
	g_auto(fixture) f = start(), with_text = start(), with_breakpoint = start(), without_file = start();

	CU_ASSERT_NOT_EQUAL(start_without_headers(&f, f.path), 0);
	check_used(&f);
	start_without_headers(&with_text, with_text.path);
	add_dumped(&with_text, PF_R, -1);
	check_used(&with_text);
	start_without_headers(&with_breakpoint, with_breakpoint.path);
	add_dumped(&with_breakpoint, PF_R | PF_X, 0xcc);
	if (run(&with_breakpoint) && the_program(&with_breakpoint))
		CU_ASSERT_EQUAL(the_program(&with_breakpoint)->state, HC_MODULE_UNCONFIRMED);
	start_without_headers(&without_file, without_file.path);
	g_unlink(without_file.path);
	CU_ASSERT_TRUE(run(&without_file) && !hc_modules_count(without_file.modules));
}

static void test_contradicted_bytes(void)
{
	g_auto(fixture) relocated = start(), dynamic = start(), constants = start();
	hc_address word = start_without_headers(&relocated, relocated.path), value;

	core_builder_put_word(relocated.builder, word, core_builder_word(relocated.builder, word) + 16);
	check_contradicted(&relocated, "addresses that it has relocated");
	start_without_headers(&dynamic, dynamic.path);
	value = dynamic_value(&dynamic, DT_STRSZ);
	core_builder_put_word(dynamic.builder, value, core_builder_word(dynamic.builder, value) + 1);
	check_contradicted(&dynamic, "dynamic section");
	start_without_headers(&constants, constants.path);
	add_dumped(&constants, PF_R, constants.bytes[0x80] + 1);
	check_contradicted(&constants, "code or constants");
}

static void test_contradicted_mappings(void)
{
	g_auto(fixture) shorter = start(), replaced = start(), elsewhere = start(), longer = start();
	g_autofree char *marked = g_strconcat(replaced.path, " (deleted)", NULL);

	start_without_headers(&shorter, shorter.path);
	CU_ASSERT_EQUAL(truncate(shorter.path, (off_t)shorter.size / 2), 0);
	check_contradicted(&shorter, "shorter");
	start_without_headers(&replaced, marked);
	check_contradicted(&replaced, "replaced");
	/* The last segment's offset in NT_FILE is another than the header's. */
	start_without_headers(&elsewhere, elsewhere.path);
	for (unsigned i = 0; program_header(&elsewhere, i); i++) {
		Elf64_Phdr *header = (Elf64_Phdr *)(void *)program_header(&elsewhere, i);

		if (header->p_type == PT_LOAD && header->p_flags & PF_W)
			header->p_offset -= PAGE;
	}
	g_assert(g_file_set_contents(elsewhere.path, elsewhere.bytes, elsewhere.size, NULL));
	check_contradicted(&elsewhere, "mapped in another way");
	/* The process had a page more of its text. */
	start_without_headers(&longer, longer.path);
	for (unsigned i = 0; program_header(&longer, i); i++) {
		Elf64_Phdr *header = (Elf64_Phdr *)(void *)program_header(&longer, i);

		if (header->p_type == PT_LOAD && header->p_flags & PF_X)
			header->p_filesz = header->p_memsz = PAGE;
	}
	g_assert(g_file_set_contents(longer.path, longer.bytes, longer.size, NULL));
	check_contradicted(&longer, "other parts of it mapped");
}

/* The binary that the user names, too. */
static void test_named_unconfirmed(void)
{
	g_auto(fixture) right = start(), wrong = start();
	const hc_modules_options right_one = { .binary = right.other }, wrong_one = { .binary = wrong.other };
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)(void *)right.bytes;
	hc_address word;

	start_without_headers(&right, "/nonexistent/true");
	core_builder_add_auxiliary(right.builder, AT_ENTRY, base + header->e_entry);
	g_assert(g_file_set_contents(right.other, right.bytes, right.size, NULL));
	if (run_with(&right, &right_one) && the_program(&right)) {
		CU_ASSERT_EQUAL(the_program(&right)->state, HC_MODULE_UNCONFIRMED);
		CU_ASSERT_TRUE(the_program(&right)->is_executable);
	} else {
		CU_FAIL("it is used");
	}
	word = start_without_headers(&wrong, "/nonexistent/true");
	core_builder_put_word(wrong.builder, word, 42);
	core_builder_add_auxiliary(wrong.builder, AT_ENTRY, base + header->e_entry);
	g_assert(g_file_set_contents(wrong.other, wrong.bytes, wrong.size, NULL));
	CU_ASSERT_FALSE(run_with(&wrong, &wrong_one));
	if (g_error_matches(wrong.error, HC_ERROR, HC_ERROR_MISMATCH))
		UNIT_ASSERT_CONTAINS(wrong.error->message, "addresses that it has relocated");
	else
		CU_FAIL("it is refused");
}

/* A file that the process only read is no library, whatever it holds: nothing is said of it. */
static void test_read_without_headers(void)
{
	g_auto(fixture) f = start();
	const hc_address copy = 0x7fff00000000;
	gsize size = (f.size + PAGE - 1) & ~(gsize)(PAGE - 1);

	start_without_headers(&f, f.path);
	g_assert(g_file_set_contents(f.other, f.bytes, f.size, NULL));
	core_builder_add_partly(f.builder, copy, size, 0, PF_R);
	core_builder_add_file(f.builder, copy, copy + size, 0, f.other);
	if (!run(&f))
		return;
	CU_ASSERT_EQUAL(hc_modules_count(f.modules), 1);
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "file-contradicted"), 0);
}

/* ---- what is a module ---- */

static void test_segments(void)
{
	g_auto(fixture) f = start();
	const Elf64_Phdr *header;
	unsigned loads = 0, found = 0;

	add_program(&f, f.path);
	if (!run(&f) || !the_program(&f))
		return;
	for (unsigned i = 0; (header = program_header(&f, i)); i++) {
		hc_address at = base + header->p_vaddr;

		if (header->p_type == PT_LOAD || header->p_type == PT_GNU_RELRO) {
			bool data = header->p_flags & PF_W || header->p_type == PT_GNU_RELRO;

			CU_ASSERT_EQUAL(hc_module_is_data(f.modules, the_program(&f), at), data);
		}
		loads += header->p_type == PT_LOAD;
	}
	for (unsigned i = 0; i < hc_module_segment_count(f.modules, the_program(&f)); i++) {
		const hc_module_segment *segment = hc_module_segment_get(f.modules, the_program(&f), i);

		for (unsigned k = 0; segment->type == PT_LOAD && (header = program_header(&f, k)); k++)
			found += header->p_type == PT_LOAD && segment->start == base + header->p_vaddr &&
				 segment->end == base + header->p_vaddr + header->p_memsz &&
				 segment->flags == header->p_flags && segment->offset == header->p_offset;
	}
	CU_ASSERT_EQUAL(found, loads);
	CU_ASSERT_PTR_NULL(hc_module_segment_get(f.modules, the_program(&f), 1000));
}

/* A linker, a debugger or a package manager maps files to read them. */
static void test_mapped_to_be_read(void)
{
	g_auto(fixture) f = start();
	const hc_address copy = 0x7fff00000000;
	gsize size = (f.size + PAGE - 1) & ~(gsize)(PAGE - 1);

	add_program(&f, f.path);
	core_builder_add_memory(f.builder, copy, size, PF_R);
	core_builder_put_bytes(f.builder, copy, f.bytes, f.size);
	core_builder_add_file(f.builder, copy, copy + size, 0, f.path);
	if (!run(&f))
		return;
	CU_ASSERT_EQUAL(hc_modules_count(f.modules), 1);
	CU_ASSERT_PTR_NULL(hc_modules_find(f.modules, copy));
}

/* Without NT_FILE nothing has a name, but modules are found. */
static void test_no_paths(void)
{
	g_auto(fixture) f = start();

	add_program(&f, NULL);
	if (!run(&f) || !the_program(&f))
		return;
	UNIT_ASSERT_TEXT(the_program(&f)->path, "");
	CU_ASSERT_TRUE(the_program(&f)->is_executable);
	CU_ASSERT_PTR_NOT_NULL(the_program(&f)->build_id);
	CU_ASSERT_EQUAL(the_program(&f)->state, HC_MODULE_MISSING);
}

/* ELF headers that promise what cannot be: no module, or one without what is wrong. */
static void test_damaged_headers(void)
{
	static const struct {
		unsigned at, size;
		uint64_t value;
	} damages[] = {
		{ 4, 1, ELFCLASS32 },
		{ 16, 2, ET_CORE },
		{ 32, 8, UINT64_MAX }, /* e_phoff */
		{ 32, 8, 0x100000000 },
		{ 54, 2, 1 }, /* e_phentsize */
		{ 56, 2, 0 }, /* e_phnum */
		{ 56, 2, UINT16_MAX },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(damages); i++) {
		g_auto(fixture) f = start();

		add_program(&f, f.path);
		core_builder_put(f.builder, base + damages[i].at, damages[i].value, damages[i].size);
		if (run(&f) && damages[i].value != UINT16_MAX)
			CU_ASSERT_EQUAL(hc_modules_count(f.modules), 0);
	}
	/* Each word of the program headers, with each of these. */
	static const uint64_t values[] = { 0, UINT64_MAX, (uint64_t)1 << 63, 0x7fffffffffff };

	for (unsigned at = 64; at < 64 + 13 * 56; at += 8)
		for (unsigned k = 0; k < G_N_ELEMENTS(values); k++) {
			g_auto(fixture) f = start();

			add_program(&f, f.path);
			core_builder_put_word(f.builder, base + at, values[k]);
			if (!run(&f))
				return;
			CU_ASSERT_TRUE(hc_modules_count(f.modules) <= 1);
		}
}

static void test_vdso(void)
{
	g_auto(fixture) f = start();

	add_program(&f, NULL);
	core_builder_add_auxiliary(f.builder, AT_SYSINFO_EHDR, base);
	if (!run(&f) || !the_program(&f))
		return;
	CU_ASSERT_TRUE(the_program(&f)->is_vdso);
	UNIT_ASSERT_TEXT(the_program(&f)->name, "[vdso]");
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "file-missing"), 0);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "the file agrees", test_agrees },
		{ "the file differs", test_differs },
		{ "the file is missing", test_missing },
		{ "no regular file", test_no_regular_file },
		{ "a file that was replaced by itself", test_deleted },
		{ "a sysroot", test_sysroot },
		{ "links in a sysroot", test_sysroot_links },
		{ "no build-id", test_no_build_id },
		{ "the binary that the user names", test_named_binary },
		{ "a wrong binary is refused with both build-ids", test_wrong_binary },
		{ "a binary that cannot be read", test_unreadable_binary },
		{ "a binary that cannot be checked", test_binary_unverifiable },
		{ "a core of gdb's that was cut", test_cut_gcore },
		{ "no headers in the core: the file that fits is used", test_unconfirmed },
		{ "no headers in the core: bytes that contradict the file", test_contradicted_bytes },
		{ "no headers in the core: mappings that contradict the file", test_contradicted_mappings },
		{ "no headers in the core: the binary that the user names", test_named_unconfirmed },
		{ "no headers in the core: a file that was read", test_read_without_headers },
		{ "segments and data", test_segments },
		{ "a file that is mapped to be read", test_mapped_to_be_read },
		{ "no paths", test_no_paths },
		{ "damaged ELF headers in memory", test_damaged_headers },
		{ "the vdso", test_vdso },
	};

	return unit_main("modules", cases, G_N_ELEMENTS(cases));
}
