/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* core/: ELF cores, whole and damaged -> address -> bytes, or why not. */
#include "core/core.h"
#include "core_builder.h"
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	RW = PF_R | PF_W
};

typedef struct fixture {
	core_builder *builder;
	hc_diagnostics *diagnostics;
	hc_core *core;
	GError *error;
} fixture;

static fixture start(void)
{
	return (fixture){ core_builder_create(8, false), hc_diagnostics_create(), NULL, NULL };
}

static void stop(fixture *f)
{
	hc_core_close(f->core);
	hc_diagnostics_destroy(f->diagnostics);
	core_builder_destroy(f->builder);
	g_clear_error(&f->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(fixture, stop)

static bool open_it(fixture *f)
{
	f->core = core_builder_open(f->builder, f->diagnostics, &f->error);
	if (!f->core)
		CU_FAIL("the core opens");
	return f->core;
}

/* The core must be refused with CODE, and a message that has PART in it. */
static void check_refused(fixture *f, const void *bytes, size_t size, int code, const char *part)
{
	g_autoptr(hc_core) core = core_builder_open_bytes(bytes, size, f->diagnostics, &f->error);

	CU_ASSERT_PTR_NULL(core);
	if (!g_error_matches(f->error, HC_ERROR, code))
		CU_FAIL("another error was expected");
	UNIT_ASSERT_CONTAINS(f->error ? f->error->message : NULL, part);
	g_clear_error(&f->error);
}

static void check_image_refused(fixture *f, int code, const char *part)
{
	g_autoptr(GByteArray) image = core_builder_image(f->builder);

	check_refused(f, image->data, image->len, code, part);
}

static bool piece_is(
	const hc_core *core, unsigned index, hc_address from, hc_address to, hc_source source, const char *path)
{
	const hc_mapping *mapping = hc_core_mapping(core, index);

	return mapping && mapping->start == from && mapping->end == to && mapping->source == source &&
	       !g_strcmp0(mapping->path, path) &&
	       !mapping->bytes == (source == HC_SOURCE_NONE || source == HC_SOURCE_TRUNCATED);
}

static uint64_t told_bytes(const fixture *f, const char *id)
{
	for (unsigned i = 0; i < hc_diagnostics_count(f->diagnostics); i++)
		if (!strcmp(hc_diagnostics_get(f->diagnostics, i)->kind->id, id))
			return hc_diagnostics_get(f->diagnostics, i)->bytes;
	return 0;
}

/* ---- formats ---- */

static void check_format(unsigned word, bool big_endian, unsigned machine, const char *name)
{
	g_auto(fixture) f = { core_builder_create(word, big_endian), hc_diagnostics_create(), NULL, NULL };
	uint64_t value = 0;

	f.builder->machine = machine;
	core_builder_add_memory(f.builder, 0x10000, 0x1000, PF_R);
	core_builder_put_word(f.builder, 0x10010, word == 8 ? 0x1122334455667788 : 0x11223344);
	core_builder_put(f.builder, 0x10020, 0xbeef, 2);
	core_builder_add_process(f.builder, "name", "name -x  ", 77);
	core_builder_add_auxiliary(f.builder, AT_PAGESZ, 16384);
	core_builder_add_auxiliary(f.builder, AT_ENTRY, 0x10040);
	core_builder_add_file(f.builder, 0x10000, 0x11000, 0x2000, "/lib/x");
	if (!open_it(&f))
		return;
	const hc_process *process = hc_core_process(f.core);

	UNIT_ASSERT_TEXT(process->machine, name);
	CU_ASSERT_EQUAL(process->machine_id, machine);
	CU_ASSERT_EQUAL(process->word_size, word);
	CU_ASSERT_EQUAL(process->big_endian, big_endian);
	CU_ASSERT_EQUAL(process->page_size, 16384);
	CU_ASSERT_EQUAL(process->entry, 0x10040);
	CU_ASSERT_EQUAL(process->pid, 77);
	UNIT_ASSERT_TEXT(process->name, "name");
	UNIT_ASSERT_TEXT(process->arguments, "name -x");
	UNIT_ASSERT_TEXT(process->executable, "/lib/x");
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 0)->path_offset, 0x2000);
	CU_ASSERT_TRUE(hc_core_read_word(f.core, 0x10010, &value));
	CU_ASSERT_EQUAL(value, word == 8 ? 0x1122334455667788 : 0x11223344);
	CU_ASSERT_TRUE(hc_core_read_unsigned(f.core, 0x10020, 2, &value));
	CU_ASSERT_EQUAL(value, 0xbeef);
	CU_ASSERT_TRUE(hc_core_read_unsigned(f.core, 0x10020, 1, &value));
	CU_ASSERT_EQUAL(value, big_endian ? 0xbe : 0xef);
	CU_ASSERT_EQUAL(hc_core_word_format(f.core).size, word);
}

static void test_formats(void)
{
	check_format(8, false, EM_X86_64, "x86-64");
	check_format(8, false, EM_AARCH64, "aarch64");
	check_format(4, false, EM_386, "i386");
	check_format(4, true, EM_MIPS, "machine 8");
	check_format(8, true, EM_S390, "machine 22");
}

/* ---- no core at all ---- */

static void test_no_core(void)
{
	g_auto(fixture) f = start();

	check_refused(&f, "", 0, HC_ERROR_BAD_DATA, "empty");
	check_refused(&f, "hello, world, this is text", 26, HC_ERROR_BAD_DATA, "not an ELF file");
	check_refused(&f,
		"\x7f"
		"EL",
		3, HC_ERROR_BAD_DATA, "not an ELF file");
	check_refused(&f, "\x28\xb5\x2f\xfd....................", 24, HC_ERROR_BAD_DATA, "cannot decompress");
	check_refused(&f, "\x1f\x8b\x08....................", 23, HC_ERROR_BAD_DATA, "cannot decompress");
	check_refused(&f, "\x1f\x8b", 2, HC_ERROR_BAD_DATA, "gunzip");
	check_refused(&f,
		"\xfd"
		"7zXZ\0.................",
		23, HC_ERROR_BAD_DATA, "cannot decompress");
	check_refused(&f, "\x04\x22\x4d\x18..............", 18, HC_ERROR_BAD_DATA, "cannot decompress");
	check_refused(&f, "BZh9..................", 22, HC_ERROR_BAD_DATA, "bunzip2");
	CU_ASSERT_PTR_NULL(hc_core_open("/nonexistent/core", f.diagnostics, &f.error));
	CU_ASSERT_TRUE(g_error_matches(f.error, HC_ERROR, HC_ERROR_IO));
	g_clear_error(&f.error);
	CU_ASSERT_PTR_NULL(hc_core_open("/", f.diagnostics, &f.error));
	CU_ASSERT_TRUE(g_error_matches(f.error, HC_ERROR, HC_ERROR_BAD_DATA));
	UNIT_ASSERT_CONTAINS(f.error ? f.error->message : NULL, "a directory");
	g_clear_error(&f.error);
	CU_ASSERT_PTR_NULL(hc_core_open("/dev/null", f.diagnostics, &f.error));
	CU_ASSERT_TRUE(g_error_matches(f.error, HC_ERROR, HC_ERROR_BAD_DATA));
	CU_ASSERT_EQUAL(hc_diagnostics_count(f.diagnostics), 0);
	hc_core_close(NULL);
}

static void test_damaged_header(void)
{
	g_auto(fixture) f = start();

	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	g_autoptr(GByteArray) image = core_builder_image(f.builder);

	image->data[EI_CLASS] = 3;
	check_refused(&f, image->data, image->len, HC_ERROR_BAD_DATA, "class 3");
	image->data[EI_CLASS] = ELFCLASS64;
	image->data[EI_DATA] = 0;
	check_refused(&f, image->data, image->len, HC_ERROR_BAD_DATA, "byte order 0");
	f.builder->type = ET_DYN;
	check_image_refused(&f, HC_ERROR_BAD_DATA, "not a core");
	f.builder->type = ET_REL;
	check_image_refused(&f, HC_ERROR_BAD_DATA, "object file");
	f.builder->type = 0x1234;
	check_image_refused(&f, HC_ERROR_BAD_DATA, "unknown type");
	f.builder->type = ET_CORE;
	f.builder->segment_entry_size = 32; /* the 32-bit size in a 64-bit core */
	check_image_refused(&f, HC_ERROR_BAD_DATA, "no program headers");
	f.builder->segment_entry_size = 0;
	image->data[EI_DATA] = ELFDATA2LSB;
	image->data[56] = 0; /* e_phnum */
	check_refused(&f, image->data, image->len, HC_ERROR_BAD_DATA, "no program headers");
	image->data[56] = 2;
	memset(image->data + 32, 0xff, 8); /* e_phoff */
	check_refused(&f, image->data, image->len, HC_ERROR_TRUNCATED, "no program headers");
}

/* Cut at every length: it is refused, or it opens and says what is missing. */
static void test_cut_headers(void)
{
	g_auto(fixture) f = start();

	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	core_builder_add_memory(f.builder, 0x20000, 0x1000, RW);
	g_autoptr(GByteArray) image = core_builder_image(f.builder);

	for (unsigned size = 1; size < 16; size++)
		check_refused(&f, image->data, size, HC_ERROR_BAD_DATA, "not an ELF file");
	for (unsigned size = 16; size < 64; size++)
		check_refused(&f, image->data, size, HC_ERROR_TRUNCATED, "inside the ELF header");
	for (unsigned size = 64; size < 64 + 56; size++)
		check_refused(&f, image->data, size, HC_ERROR_TRUNCATED, "before its program headers");
	CU_ASSERT_EQUAL(hc_diagnostics_count(f.diagnostics), 0);
	/* The notes' header only. */
	check_refused(&f, image->data, 64 + 56, HC_ERROR_BAD_DATA, "no memory is described");
	CU_ASSERT_TRUE(core_builder_told(f.diagnostics, "core-headers-truncated") > 0);
	/* The first segment's as well: its memory is known, though cut off. */
	f.builder->truncate = 64 + 2 * 56 + 13;
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(hc_core_mapping_count(f.core), 1);
	CU_ASSERT_TRUE(piece_is(f.core, 0, 0x10000, 0x11000, HC_SOURCE_TRUNCATED, NULL));
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "core-truncated"), 1);
}

static void test_many_segments(void)
{
	g_auto(fixture) f = start();
	uint64_t value;

	f.builder->extended_count = true;
	for (unsigned i = 0; i < 300; i++) {
		core_builder_add_memory(f.builder, 0x10000 + i * 0x2000, 16, RW);
		core_builder_put_word(f.builder, 0x10000 + i * 0x2000, i);
	}
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(hc_core_mapping_count(f.core), 300);
	CU_ASSERT_TRUE(hc_core_read_word(f.core, 0x10000 + 299 * 0x2000, &value) && value == 299);
	CU_ASSERT_EQUAL(hc_diagnostics_count(f.diagnostics), 1); /* no threads */
}

/* PN_XNUM without the section that has the count: 65535 headers are promised. */
static void test_many_segments_damaged(void)
{
	g_auto(fixture) f = start();

	core_builder_add_memory(f.builder, 0x10000, 16, RW);
	g_autoptr(GByteArray) image = core_builder_image(f.builder);

	memset(image->data + 56, 0xff, 2);
	f.core = core_builder_open_bytes(image->data, image->len, f.diagnostics, &f.error);
	CU_ASSERT_PTR_NOT_NULL(f.core);
	CU_ASSERT_TRUE(core_builder_told(f.diagnostics, "core-headers-truncated") == 1);
}

/* ---- memory ---- */

static void test_borders(void)
{
	g_auto(fixture) f = start();
	uint64_t available = 0, value;

	/* Not in order of address in the file. */
	core_builder_add_memory(f.builder, 0x30000, 0x1000, PF_R);
	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	core_builder_add_memory(f.builder, 0x11000, 0x1000, PF_R | PF_X);
	core_builder_put_word(f.builder, 0x10ff8, 0x0102030405060708);
	core_builder_put_word(f.builder, 0x11000, 0x1112131415161718);
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(hc_core_mapping_count(f.core), 3);
	CU_ASSERT_TRUE(piece_is(f.core, 0, 0x10000, 0x11000, HC_SOURCE_CORE, NULL));
	CU_ASSERT_TRUE(piece_is(f.core, 1, 0x11000, 0x12000, HC_SOURCE_CORE, NULL));
	CU_ASSERT_TRUE(piece_is(f.core, 2, 0x30000, 0x31000, HC_SOURCE_CORE, NULL));
	CU_ASSERT_PTR_NULL(hc_core_mapping(f.core, 3));
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 0)->flags, HC_MAPPING_READ | HC_MAPPING_WRITE);
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 1)->flags, HC_MAPPING_READ | HC_MAPPING_EXECUTE);
	CU_ASSERT_PTR_NULL(hc_core_find_mapping(f.core, 0));
	CU_ASSERT_PTR_NULL(hc_core_find_mapping(f.core, 0xffff));
	CU_ASSERT_PTR_EQUAL(hc_core_find_mapping(f.core, 0x10000), hc_core_mapping(f.core, 0));
	CU_ASSERT_PTR_EQUAL(hc_core_find_mapping(f.core, 0x10fff), hc_core_mapping(f.core, 0));
	CU_ASSERT_PTR_EQUAL(hc_core_find_mapping(f.core, 0x11000), hc_core_mapping(f.core, 1));
	CU_ASSERT_PTR_EQUAL(hc_core_find_mapping(f.core, 0x11fff), hc_core_mapping(f.core, 1));
	CU_ASSERT_PTR_NULL(hc_core_find_mapping(f.core, 0x12000));
	CU_ASSERT_PTR_EQUAL(hc_core_find_mapping(f.core, 0x30fff), hc_core_mapping(f.core, 2));
	CU_ASSERT_PTR_NULL(hc_core_find_mapping(f.core, 0x31000));
	CU_ASSERT_PTR_NULL(hc_core_find_mapping(f.core, UINT64_MAX));
	CU_ASSERT_EQUAL(hc_core_find_mapping_index(f.core, 0x12000), UINT_MAX);
	CU_ASSERT_EQUAL(hc_core_mapping_after(f.core, 0), 0);
	CU_ASSERT_EQUAL(hc_core_mapping_after(f.core, 0x12000), 2);
	CU_ASSERT_EQUAL(hc_core_mapping_after(f.core, 0x31000), 3);
	CU_ASSERT_PTR_NOT_NULL(hc_core_bytes(f.core, 0x10fff, &available));
	CU_ASSERT_EQUAL(available, 1);
	CU_ASSERT_PTR_NULL(hc_core_bytes(f.core, 0x12000, &available));
	/* Across two pieces: the upper half of one word, the lower of the next. */
	CU_ASSERT_TRUE(hc_core_read_word(f.core, 0x10ffc, &value));
	CU_ASSERT_EQUAL(value, 0x1516171801020304);
	CU_ASSERT_FALSE(hc_core_read_word(f.core, 0x11ff9, &value)); /* the last byte is not there */
	CU_ASSERT_FALSE(hc_core_read_word(f.core, 0xfffc, &value));  /* the first ones are not */
	CU_ASSERT_EQUAL(value, 0x1516171801020304);		     /* written on success only */
}

static void test_strings(void)
{
	g_auto(fixture) f = start();

	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	core_builder_add_memory(f.builder, 0x11000, 0x1000, PF_R);
	core_builder_put_bytes(f.builder, 0x10ffb, "hello", 5);
	core_builder_put_bytes(f.builder, 0x11000, ", world", 8);
	core_builder_put_bytes(f.builder, 0x11ffd, "end", 3);
	if (!open_it(&f))
		return;
	g_autofree char *whole = hc_core_read_string(f.core, 0x10ffb, 100),
			*tail = hc_core_read_string(f.core, 0x11005, 100);
	g_autofree char *fits = hc_core_read_string(f.core, 0x10ffb, 13),
			*empty = hc_core_read_string(f.core, 0x10000, 10);

	UNIT_ASSERT_TEXT(whole, "hello, world");
	UNIT_ASSERT_TEXT(tail, "ld");
	UNIT_ASSERT_TEXT(fits, "hello, world");
	UNIT_ASSERT_TEXT(empty, "");
	CU_ASSERT_PTR_NULL(hc_core_read_string(f.core, 0x10ffb, 11)); /* longer */
	CU_ASSERT_PTR_NULL(hc_core_read_string(f.core, 0x10ffb, 5));
	CU_ASSERT_PTR_NULL(hc_core_read_string(f.core, 0x11ffd, 100)); /* memory ends before it does */
	CU_ASSERT_PTR_NULL(hc_core_read_string(f.core, 0x50000, 100));
}

static void test_left_out(void)
{
	g_auto(fixture) f = start();
	uint64_t available;

	core_builder_add_partly(f.builder, 0x10000, 0x4000, 0x1000, PF_R | PF_X);
	core_builder_add_partly(f.builder, 0x20000, 0x1000, 0, 0);
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(hc_core_mapping_count(f.core), 3);
	CU_ASSERT_TRUE(piece_is(f.core, 0, 0x10000, 0x11000, HC_SOURCE_CORE, NULL));
	CU_ASSERT_TRUE(piece_is(f.core, 1, 0x11000, 0x14000, HC_SOURCE_NONE, NULL));
	CU_ASSERT_TRUE(piece_is(f.core, 2, 0x20000, 0x21000, HC_SOURCE_NONE, NULL));
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 2)->flags, 0);
	CU_ASSERT_PTR_NOT_NULL(hc_core_bytes(f.core, 0x10fff, &available));
	CU_ASSERT_PTR_NULL(hc_core_bytes(f.core, 0x11000, &available));
	UNIT_ASSERT_TEXT(hc_core_why_missing(f.core, 0x11000), "mapped, but not dumped");
	UNIT_ASSERT_TEXT(hc_core_why_missing(f.core, 0x15000), "not mapped");
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "core-truncated"), 0);
	/* What a trusted file has can be supplied. */
	static const uint8_t text[0x3000] = { 42 };

	hc_core_supply(f.core, 1, text);
	CU_ASSERT_TRUE(piece_is(f.core, 1, 0x11000, 0x14000, HC_SOURCE_FILE, NULL));
	CU_ASSERT_PTR_EQUAL(hc_core_bytes(f.core, 0x11001, &available), text + 1);
	CU_ASSERT_EQUAL(available, 0x2fff);
}

/* Cut at every eighth byte of two segments, and some odd ones. */
static void test_cut_memory(void)
{
	g_auto(fixture) f = start();

	core_builder_add_memory(f.builder, 0x10000, 0x200, RW);
	core_builder_add_partly(f.builder, 0x20000, 0x1000, 0x100, RW);
	for (hc_address at = 0x10000; at < 0x10200; at += 8)
		core_builder_put_word(f.builder, at, at);
	g_autoptr(GByteArray) image = core_builder_image(f.builder);
	uint64_t first = g_array_index(f.builder->segments, core_segment, 0).offset,
		 second = g_array_index(f.builder->segments, core_segment, 1).offset;

	for (uint64_t size = first; size <= image->len; size += size % 24 ? 8 : 5) {
		g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();
		g_autoptr(hc_core) core = core_builder_open_bytes(image->data, size, diagnostics, NULL);
		uint64_t mapped = 0, present = 0, missing = 0, value;

		if (!core) {
			CU_FAIL("a cut core opens");
			return;
		}
		for (unsigned i = 0; i < hc_core_mapping_count(core); i++) {
			const hc_mapping *mapping = hc_core_mapping(core, i);

			mapped += mapping->end - mapping->start;
			present += mapping->source == HC_SOURCE_CORE ? mapping->end - mapping->start : 0;
			missing += mapping->source == HC_SOURCE_TRUNCATED ? mapping->end - mapping->start : 0;
		}
		CU_ASSERT_EQUAL(mapped, 0x1200); /* cut or not, the same memory was mapped */
		CU_ASSERT_EQUAL(present + missing, 0x300);
		/* All that the file has, but for a word that was cut in two and its neighbour. */
		uint64_t in_file = MIN(size - first, 0x200) + (size > second ? MIN(size - second, 0x100) : 0);

		CU_ASSERT_TRUE(present <= in_file && present + 32 > in_file);
		for (hc_address at = 0x10000; at < 0x10200; at += 8)
			CU_ASSERT_EQUAL(hc_core_read_word(core, at, &value) ? value : at, at);
		CU_ASSERT_EQUAL(hc_core_read_word(core, 0x10000, &value), size >= first + 16);
		CU_ASSERT_EQUAL(core_builder_told(diagnostics, "core-truncated") > 0, size < second + 0x100);
		if (size < second)
			UNIT_ASSERT_CONTAINS(hc_core_why_missing(core, 0x20000), "cut off");
	}
}

static void test_overlap(void)
{
	g_auto(fixture) f = start();
	uint64_t value;

	core_builder_add_memory(f.builder, 0x10000, 0x3000, RW);
	core_builder_put_word(f.builder, 0x11000, 7);
	core_builder_add_memory(f.builder, 0x11000, 0x1000, RW);	 /* inside the first: ignored */
	core_builder_add_partly(f.builder, 0x20000, 0x5000, 0x1000, RW); /* its size is wrong: runs into the next */
	core_builder_add_memory(f.builder, 0x22000, 0x1000, RW);
	core_builder_add_memory(f.builder, 0xfffffffffffff000, 0x1000, PF_R); /* wraps around */
	core_builder_add_partly(f.builder, 0x40000, UINT64_MAX - 0x50000, 0x1000, RW);
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(hc_core_mapping_count(f.core), 4);
	CU_ASSERT_TRUE(piece_is(f.core, 0, 0x10000, 0x13000, HC_SOURCE_CORE, NULL));
	CU_ASSERT_TRUE(hc_core_read_word(f.core, 0x11000, &value) && value == 7);
	CU_ASSERT_TRUE(piece_is(f.core, 1, 0x20000, 0x21000, HC_SOURCE_CORE, NULL));
	CU_ASSERT_TRUE(piece_is(f.core, 2, 0x21000, 0x22000, HC_SOURCE_NONE, NULL));
	CU_ASSERT_TRUE(piece_is(f.core, 3, 0x22000, 0x23000, HC_SOURCE_CORE, NULL));
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "core-segments-overlap"), 4);
}

static void test_vsyscall(void)
{
	g_auto(fixture) f = start();

	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	core_builder_add_memory(f.builder, 0xffffffffff600000, 0x1000, PF_X);
	if (!open_it(&f))
		return;
	CU_ASSERT_TRUE(piece_is(f.core, 1, 0xffffffffff600000, 0xffffffffff601000, HC_SOURCE_CORE, NULL));
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "core-segments-overlap"), 0);
}

/* ---- mapped files ---- */

static void test_files_split(void)
{
	g_auto(fixture) f = start();

	core_builder_add_partly(f.builder, 0x10000, 0x6000, 0x1000, PF_R);
	core_builder_add_file(f.builder, 0x12000, 0x14000, 0x5000, "/b");
	core_builder_add_file(f.builder, 0x10000, 0x12000, 0x3000, "/a");
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(hc_core_mapping_count(f.core), 4);
	CU_ASSERT_TRUE(piece_is(f.core, 0, 0x10000, 0x11000, HC_SOURCE_CORE, "/a"));
	CU_ASSERT_TRUE(piece_is(f.core, 1, 0x11000, 0x12000, HC_SOURCE_NONE, "/a"));
	CU_ASSERT_TRUE(piece_is(f.core, 2, 0x12000, 0x14000, HC_SOURCE_NONE, "/b"));
	CU_ASSERT_TRUE(piece_is(f.core, 3, 0x14000, 0x16000, HC_SOURCE_NONE, NULL));
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 0)->path_offset, 0x3000);
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 1)->path_offset, 0x4000);
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 2)->path_offset, 0x5000);
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 1)->file_start, 0x10000);
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 2)->file_start, 0x12000);
	UNIT_ASSERT_CONTAINS(hc_core_why_missing(f.core, 0x11000), "mapped from a file");
}

/* gdb leaves mappings of files out altogether: only NT_FILE tells. */
static void test_files_unlisted(void)
{
	g_auto(fixture) f = start();

	core_builder_add_memory(f.builder, 0x12000, 0x1000, RW);
	core_builder_add_memory(f.builder, 0x20000, 0x1000, RW);
	core_builder_add_file(f.builder, 0x10000, 0x14000, 0, "/a"); /* around the first segment */
	core_builder_add_file(f.builder, 0x30000, 0x31000, 0, "/b"); /* behind everything */
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(hc_core_mapping_count(f.core), 5);
	CU_ASSERT_TRUE(piece_is(f.core, 0, 0x10000, 0x12000, HC_SOURCE_NONE, "/a"));
	CU_ASSERT_TRUE(piece_is(f.core, 1, 0x12000, 0x13000, HC_SOURCE_CORE, "/a"));
	CU_ASSERT_TRUE(piece_is(f.core, 2, 0x13000, 0x14000, HC_SOURCE_NONE, "/a"));
	CU_ASSERT_TRUE(piece_is(f.core, 3, 0x20000, 0x21000, HC_SOURCE_CORE, NULL));
	CU_ASSERT_TRUE(piece_is(f.core, 4, 0x30000, 0x31000, HC_SOURCE_NONE, "/b"));
	CU_ASSERT_TRUE(hc_core_mapping(f.core, 0)->flags & HC_MAPPING_UNLISTED);
	CU_ASSERT_FALSE(hc_core_mapping(f.core, 1)->flags & HC_MAPPING_UNLISTED);
	CU_ASSERT_TRUE(hc_core_mapping(f.core, 2)->flags & HC_MAPPING_UNLISTED);
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 1)->path_offset, 0x2000);
	CU_ASSERT_EQUAL(hc_core_mapping(f.core, 2)->path_offset, 0x3000);
}

static void test_files_damaged(void)
{
	g_auto(fixture) f = start();
	uint64_t promises[8] = { 1000, 4096, 0x10000, 0x11000, 0, 0x20000, 0x1f000, 0 };
	g_autoptr(GByteArray) data = g_byte_array_new();

	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	/* 1000 files are promised, there is room for two; the second ends before it begins. */
	g_byte_array_append(data, (const uint8_t *)promises, sizeof promises);
	core_builder_add_note(f.builder, "CORE", NT_FILE, data->data, data->len);
	/* One file, whose name does not end. */
	promises[0] = 1;
	g_byte_array_set_size(data, 0);
	g_byte_array_append(data, (const uint8_t *)promises, 5 * 8);
	g_byte_array_append(data, (const uint8_t *)"/lib", 4);
	core_builder_add_note(f.builder, "CORE", NT_FILE, data->data, data->len);
	core_builder_add_note(f.builder, "CORE", NT_FILE, data->data, 7);
	if (!open_it(&f))
		return;
	CU_ASSERT_TRUE(core_builder_told(f.diagnostics, "core-notes-damaged") >= 2);
	CU_ASSERT_EQUAL(hc_core_mapping_count(f.core), 1);
	CU_ASSERT_PTR_NULL(hc_core_mapping(f.core, 0)->path);
}

/* ---- notes ---- */

static void test_process(void)
{
	g_auto(fixture) f = start();
	static const uint8_t fpregs[512] = { 1 }, xstate[832] = { 2 };

	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	core_builder_add_thread(f.builder, &(core_thread){ .id = 100,
						   .signal = 11,
						   .stack_pointer = 0x10800,
						   .program_counter = 0x10040,
						   .thread_pointer = 0x10900,
						   .rbx = 0xb,
						   .r12 = 0xc });
	core_builder_add_process(f.builder, "exactly-15-long", "./a b", 99);
	core_builder_add_signal(f.builder, 11);
	core_builder_add_note(f.builder, "CORE", NT_FPREGSET, fpregs, sizeof fpregs);
	core_builder_add_note(f.builder, "LINUX", 0x202, xstate, sizeof xstate); /* NT_X86_XSTATE */
	core_builder_add_note(f.builder, "OTHER", NT_PRSTATUS, xstate, sizeof xstate);
	core_builder_add_thread(
		f.builder, &(core_thread){ .id = 101, .stack_pointer = 0x10700, .in_system_call = true });
	core_builder_add_note(f.builder, "CORE", NT_FPREGSET, fpregs, sizeof fpregs);
	core_builder_add_auxiliary(f.builder, AT_PHDR, 0x10040);
	core_builder_add_auxiliary(f.builder, AT_SYSINFO_EHDR, 0x7000);
	core_builder_add_auxiliary(f.builder, AT_RANDOM, 0x10009);
	core_builder_add_auxiliary(f.builder, AT_PAGESZ, 12345); /* not a power of two: not believed */
	if (!open_it(&f))
		return;
	const hc_process *process = hc_core_process(f.core);
	const hc_thread *first = hc_core_thread(f.core, 0), *second = hc_core_thread(f.core, 1);

	UNIT_ASSERT_TEXT(process->name, "exactly-15-long");
	UNIT_ASSERT_TEXT(process->arguments, "./a b");
	CU_ASSERT_EQUAL(process->pid, 99);
	CU_ASSERT_EQUAL(process->signal, 11);
	CU_ASSERT_EQUAL(process->origin, HC_ORIGIN_KERNEL);
	CU_ASSERT_EQUAL(process->page_size, 4096);
	CU_ASSERT_EQUAL(process->program_headers, 0x10040);
	CU_ASSERT_EQUAL(process->vdso, 0x7000);
	CU_ASSERT_EQUAL(process->initial_stack, 0x10009);
	CU_ASSERT_EQUAL(hc_core_thread_count(f.core), 2);
	CU_ASSERT_PTR_NULL(hc_core_thread(f.core, 2));
	if (!first || !second)
		return;
	CU_ASSERT_EQUAL(first->id, 100);
	CU_ASSERT_EQUAL(first->signal, 11);
	CU_ASSERT_EQUAL(first->stack_pointer, 0x10800);
	CU_ASSERT_EQUAL(first->program_counter, 0x10040);
	CU_ASSERT_EQUAL(first->thread_pointer, 0x10900);
	CU_ASSERT_EQUAL(first->register_count, 27);
	CU_ASSERT_EQUAL(first->registers[5], 0xb);
	CU_ASSERT_EQUAL(first->registers[3], 0xc);
	CU_ASSERT_FALSE(first->in_system_call);
	CU_ASSERT_EQUAL(first->vector_registers_size, sizeof xstate); /* the newer set has all of the older */
	CU_ASSERT_EQUAL(first->vector_registers[0], 2);
	CU_ASSERT_EQUAL(second->id, 101);
	CU_ASSERT_TRUE(second->in_system_call);
	CU_ASSERT_EQUAL(second->vector_registers_size, sizeof fpregs);
	CU_ASSERT_EQUAL(hc_diagnostics_count(f.diagnostics), 0);
}

static void check_origin(unsigned sections, uint16_t thread_signal, int32_t signal_note, hc_origin origin, int signal)
{
	g_auto(fixture) f = start();

	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	core_builder_add_thread(f.builder, &(core_thread){ .id = 1, .signal = thread_signal });
	if (signal_note)
		core_builder_add_signal(f.builder, signal_note);
	f.builder->section_count = sections;
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(hc_core_process(f.core)->origin, origin);
	CU_ASSERT_EQUAL(hc_core_process(f.core)->signal, signal);
}

static void test_origin(void)
{
	check_origin(0, 6, 6, HC_ORIGIN_KERNEL, 6);
	check_origin(0, 0, 6, HC_ORIGIN_KERNEL, 6);
	check_origin(0, 0, 0, HC_ORIGIN_UNKNOWN, 0);
	check_origin(30, 0, 19, HC_ORIGIN_GCORE, 0); /* the SIGSTOP is gdb's own */
	check_origin(30, 19, 19, HC_ORIGIN_GCORE, 0);
	check_origin(30, 11, 11, HC_ORIGIN_GCORE, 11); /* gdb stopped at a fault */
}

static void test_no_notes(void)
{
	g_auto(fixture) f = start();

	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(hc_core_thread_count(f.core), 0);
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "core-notes-missing"), 1);
	UNIT_ASSERT_TEXT(hc_core_process(f.core)->name, "");
	CU_ASSERT_EQUAL(hc_core_process(f.core)->pid, 0);
	CU_ASSERT_EQUAL(hc_core_process(f.core)->page_size, 4096);
}

static void test_notes_damaged(void)
{
	g_auto(fixture) f = start();
	static const uint8_t status[336];

	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	core_builder_add_note(f.builder, "CORE", NT_PRSTATUS, status, 300); /* too short for its registers */
	core_builder_add_note(f.builder, "CORE", NT_PRPSINFO, status, 10);
	core_builder_add_note(f.builder, "CORE", NT_AUXV, status, 7);
	core_builder_add_note(f.builder, "CORE", NT_SIGINFO, status, 3);
	core_builder_add_note(f.builder, "", NT_PRSTATUS, status, 336);
	core_builder_add_thread(f.builder, &(core_thread){ .id = 5 });
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(core_builder_told(f.diagnostics, "core-notes-damaged"), 1);
	CU_ASSERT_EQUAL(hc_core_thread_count(f.core), 1);
	CU_ASSERT_EQUAL(hc_core_thread(f.core, 0)->id, 5);
}

/* Sizes in the notes' own headers that lead beyond the notes, or around the address space. */
static void test_notes_overrun(void)
{
	static const uint32_t sizes[] = { 400, 0x7fffffff, 0xfffffffc, 0xfffffffd, 0xffffffff };
	g_auto(fixture) f = start();

	core_builder_add_memory(f.builder, 0x10000, 0x1000, RW);
	core_builder_add_thread(f.builder, &(core_thread){ .id = 5 });
	core_builder_add_thread(f.builder, &(core_thread){ .id = 6 });
	g_autoptr(GByteArray) image = core_builder_image(f.builder);
	unsigned second = 64 + 2 * 56 + 12 + 8 + 336;

	for (unsigned field = 0; field < 2; field++)
		for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
			g_autoptr(hc_diagnostics) diagnostics = hc_diagnostics_create();
			g_autoptr(GByteArray) damaged = g_byte_array_new();

			g_byte_array_append(damaged, image->data, image->len);
			memcpy(damaged->data + second + 4 * field, &sizes[i], 4);
			g_autoptr(hc_core)
				core = core_builder_open_bytes(damaged->data, damaged->len, diagnostics, NULL);

			CU_ASSERT_TRUE(core && hc_core_thread_count(core) == 1);
			CU_ASSERT_EQUAL(core_builder_told(diagnostics, "core-notes-damaged"), 1);
		}
	/* The file ends inside the second note. */
	f.builder->truncate = second + 100;
	if (!open_it(&f))
		return;
	CU_ASSERT_EQUAL(hc_core_thread_count(f.core), 1);
	CU_ASSERT_TRUE(core_builder_told(f.diagnostics, "core-notes-damaged") > 0);
	CU_ASSERT_EQUAL(told_bytes(&f, "core-truncated"), 0x1000);
}

/* What lseek(2) says of the file is the truth. */
static void test_holes(void)
{
	enum {
		SIZE = 0x60000,
		PAGE = 0x1000
	};
	g_auto(fixture) f = start();
	uint64_t part, known = 0, asked = 0;

	core_builder_add_memory(f.builder, 0x10000, SIZE, RW);
	core_builder_put_word(f.builder, 0x10000, 1);
	core_builder_put_word(f.builder, 0x10000 + SIZE - 8, 2);
	const char *path = core_builder_path(f.builder);
	int file = f.builder->descriptor;
	off_t size = lseek(file, 0, SEEK_END);

	if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4 * PAGE, 0x40000))
		return; /* the file system has no holes */
	f.core = hc_core_open(path, f.diagnostics, &f.error);
	if (!f.core) {
		CU_FAIL("the core opens");
		return;
	}
	uint64_t available;
	const uint8_t *first = hc_core_bytes(f.core, 0x10000, &available);
	off_t offset = size - SIZE; /* the memory is the last thing in the file */

	for (uint64_t at = 0; at < SIZE; at += part, asked++) {
		bool is_hole = hc_core_is_hole(f.core, first + at, SIZE - at, &part);
		off_t data = lseek(file, offset + at, SEEK_DATA);

		CU_ASSERT_EQUAL(is_hole, data < 0 || data >= offset + (off_t)(at + part));
		CU_ASSERT_TRUE(part > 0 && part % 8 == 0);
		known += is_hole ? part : 0;
		if (!part)
			return;
	}
	CU_ASSERT_EQUAL(asked, 3);
	CU_ASSERT_TRUE(known >= 0x40000);
	CU_ASSERT_TRUE(hc_core_is_zero(f.core, first + 8, SIZE - 16));
	CU_ASSERT_FALSE(hc_core_is_zero(f.core, first + 8, SIZE - 8));
	CU_ASSERT_FALSE(hc_core_is_zero(f.core, first, SIZE));
	/* What is no word's beginning, or not the file's, is in none. */
	CU_ASSERT_FALSE(hc_core_is_hole(f.core, first + 0x20001, PAGE, &part));
	CU_ASSERT_EQUAL(part, PAGE);
	CU_ASSERT_FALSE(hc_core_is_hole(f.core, (const uint8_t *)&part, 8, &part));
	CU_ASSERT_EQUAL(part, 8);
}

int main(void)
{
	static const unit_case cases[] = {
		{ "word sizes and byte orders", test_formats },
		{ "files that are no cores", test_no_core },
		{ "damaged ELF header", test_damaged_header },
		{ "cut inside the headers", test_cut_headers },
		{ "more segments than e_phnum can count", test_many_segments },
		{ "... whose count is missing", test_many_segments_damaged },
		{ "borders of mappings", test_borders },
		{ "strings", test_strings },
		{ "memory that was left out", test_left_out },
		{ "cut inside the memory", test_cut_memory },
		{ "segments that overlap", test_overlap },
		{ "the kernel's page at the top", test_vsyscall },
		{ "mapped files split segments", test_files_split },
		{ "mapped files without a segment", test_files_unlisted },
		{ "damaged list of files", test_files_damaged },
		{ "process and threads", test_process },
		{ "who wrote the core", test_origin },
		{ "no notes", test_no_notes },
		{ "damaged notes", test_notes_damaged },
		{ "notes that run past their end", test_notes_overrun },
		{ "holes of the file", test_holes },
	};

	return unit_main("core", cases, G_N_ELEMENTS(cases));
}
