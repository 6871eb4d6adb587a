/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * modules/frame_*.c: call frame information that libdw must not be given. Each case is made once as a section and looked through, and once
 * more as a program's, whose thread is unwound: without the look libdw and libdwfl 0.188 take gigabytes of it, or end the process.
 */
#include "frame_builder.h"
#include "program_builder.h"
#include "unit.h"

#include "base/diagnostics.h"
#include "modules/frame_entries.h"
#include "modules/modules.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	SOUND_FRAMES = 3,	/* at least */
	MOST_MEMORY = 512 << 10 /* KiB, of all cases; sanitizers keep some */
};

static const frame_form eh = { ".eh_frame", false, 1, false }, debug = { ".debug_frame", true, 4, false },
			with_table = { ".eh_frame", false, 1, true };
static const frame_form *const forms[] = { &eh, &debug, &with_table };

/* What each CIE begins with: the CFA is 8 above rsp, and the return address below it. */
#define CALL " 0c 07 08 90 01 "

typedef struct frame_case {
	const char *what;
	bool is_sound;
	const char *first, *others; /* instructions of the CIE and of the FDE, as hexadecimal bytes */
	const char *repeated;	    /* ... and these */
	unsigned times;
} frame_case;

static const frame_case cases[] = {
	{ "nothing", true, CALL, "", NULL, 0 },
	{ "all instructions", true, CALL "08 06 07 05",
		"02 01 03 01 00 04 01 00 00 00 0e 10 86 02 11 03 7e 14 0c 01 15 0d 7f 05 21 04 09 22 02 2e 08 2f 23 08 0a "
		"06 06 c3 0b 0d 07 12 07 78 13 78 1d 01 00 00 00 00 00 00 00 0c 07 08",
		NULL, 0 },
	{ "what the linker writes for .plt", true, CALL, "0f 0b 77 08 80 00 3f 1a 3b 2a 33 24 22", NULL, 0 },
	{ "a register's place and value", true, CALL, "10 06 02 76 70 16 03 03 77 08 06", NULL, 0 },
	{ "a branch forwards", true, CALL, "10 03 07 77 00 2f 01 00 96 06", NULL, 0 },
	{ "a state within a state", true, CALL, "", "0a", 60 },
	{ "many states, one by one", true, CALL, "", "0a 0b", 4000 },
	{ "a vector register", true, CALL, "07 80 01", NULL, 0 },
	{ "a part of a word in a register's place", true, CALL, "10 03 04 77 00 94 04", NULL, 0 },
	{ "nothing is done for long", true, CALL, "", "00 00 00 00 00 00 00 00", 1 << 11 },

	{ "register 134217725", false, CALL, "07 fd ff ff 3f", NULL, 0 },
	{ "register 1080207", false, CALL, "80 01 05 8f f7 41 01", NULL, 0 },
	{ "the register in front", false, CALL "08 fd ff ff 3f", "", NULL, 0 },
	{ "to restore it", false, CALL, "06 fd ff ff 3f", NULL, 0 },
	{ "to have its value elsewhere", false, CALL, "14 fd ff ff 3f 01", NULL, 0 },
	{ "to have its value computed", false, CALL, "16 fd ff ff 3f 01 30", NULL, 0 },
	{ "states within states", false, CALL, "07 ff 09", "0a", 1 << 16 },
	{ "more of them than any function has", false, CALL, "", "0a 0b", 1 << 16 },
	{ "division", false, CALL, "0f 0c 0e 00 00 00 00 00 00 00 80 09 ff 1b", NULL, 0 },
	{ "a part of a word in the CFA", false, CALL, "0f 04 77 00 94 04", NULL, 0 },
	{ "the CFA in an expression", false, CALL, "10 03 02 9c 9c", NULL, 0 },
	{ "a loop", false, CALL, "10 03 05 77 00 2f fd ff", NULL, 0 },
	{ "an operation that is unknown", false, CALL, "10 03 03 77 00 e0", NULL, 0 },
	{ "an operation that ends too early", false, CALL, "10 03 03 77 00 0c", NULL, 0 },
	{ "a long expression", false, CALL, "0f 81 08", "96", 1025 },
	{ "an expression behind the end", false, CALL, "10 03 7f 77 00", NULL, 0 },
	{ "the length of an expression goes on behind the end", false, CALL, "16 03 ff", NULL, 0 },
	{ "an operand behind the end", false, CALL, "11 03", NULL, 0 },
	{ "a number without end", false, CALL, "0e ff ff ff ff ff ff ff ff ff ff ff 01", NULL, 0 },
	{ "an advance behind the end", false, CALL, "04 01 00", NULL, 0 },
	{ "an instruction that is unknown", false, CALL, "3e", NULL, 0 },
	{ "a megabyte of instructions", false, CALL, "", "00 00 00 00 00 00 00 00", (1 << 17) + 1 },
};

static void append_hexadecimal(GByteArray *bytes, const char *text)
{
	while (text && *text) {
		char *end;

		frame_append(bytes, strtoul(text, &end, 16), 1);
		text = end + strspn(end, " ");
	}
}

/* The FDE's instructions end with the entry. */
static GByteArray *make_section(const frame_form *form, const frame_case *one, unsigned *ret_function)
{
	g_autoptr(GByteArray) first = g_byte_array_new(), others = g_byte_array_new(), padded = g_byte_array_new();

	append_hexadecimal(first, one->first);
	append_hexadecimal(others, one->others);
	for (unsigned i = 0; i < one->times; i++)
		append_hexadecimal(others, one->repeated);
	while ((padded->len + others->len) % 8 != 4) /* as the entry's length is */
		frame_append(padded, 0, 1);
	g_byte_array_append(padded, others->data, others->len);
	return frame_section(form, first->data, first->len, padded->data, padded->len, ret_function);
}

/* ---- the section alone ---- */

static hc_frame_verdict judge(const frame_form *form, const GByteArray *bytes)
{
	uint64_t memory = 0;
	hc_frame_section section = {
		.bytes = bytes->data, .size = bytes->len, .is_debug = form->is_debug, .is_64 = true
	};
	hc_frame_verdict verdict;

	hc_frame_section_init(&section, &memory);
	verdict = hc_frame_section_judge(&section, FRAME_CODE);
	CU_ASSERT_EQUAL(verdict, hc_frame_section_judge(&section, FRAME_CODE)); /* it is remembered */
	hc_frame_section_clear(&section);
	return verdict;
}

static void expect(bool condition, const char *what, const char *form)
{
	if (!condition)
		g_printerr("%s, in %s\n", what, form);
	CU_ASSERT(condition);
}

static void test_instructions(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
		for (unsigned k = 0; k < 2; k++) {
			unsigned function;
			g_autoptr(GByteArray) section = make_section(forms[k], &cases[i], &function);

			expect((judge(forms[k], section) == HC_FRAME_SOUND) == cases[i].is_sound, cases[i].what,
				forms[k]->name);
		}
}

/* Entries as hexadecimal bytes, behind their length and id; a `-` begins the next one, an FDE of the first one. */
static hc_frame_verdict judge_entries(const frame_form *form, const char *text)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_auto(GStrv) entries = g_strsplit(text, "-", -1);

	for (unsigned i = 0; entries[i]; i++) {
		unsigned start = bytes->len;

		frame_append(bytes, 0, 4);
		frame_append(bytes, form->is_debug ? (i ? 0 : UINT32_MAX) : (i ? start + 4 : 0), 4);
		append_hexadecimal(bytes, g_strchug(entries[i]));
		uint32_t length = bytes->len - start - 4;

		memcpy(bytes->data + start, &length, sizeof length);
	}
	frame_append(bytes, 0, 4);
	return judge(form, bytes);
}

#define FACTORS " 01 78 10 "
#define RANGE	"00 04 00 00 00 00 00 00 00 08 00 00 00 00 00 00 "

static void test_augmentation(void)
{
	/* As gcc writes it: zR, zPLR, zRS, zRB on AArch64; addresses are relative to where they stand. */
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 52 00" FACTORS "01 1b" CALL "- 00 03 00 00 00 08 00 00 00 0e 10"),
		HC_FRAME_SOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 52 00" FACTORS "01 1b" CALL "- 00 03 00 00 80 00 00 00 00 0e 10"),
		HC_FRAME_NONE);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 50 4c 52 00" FACTORS "07 9b 01 02 03 04 1b 1b" CALL
					   "- 00 03 00 00 00 08 00 00 04 01 02 03 04 0e 10"),
		HC_FRAME_SOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 52 53 00" FACTORS "01 1b" CALL), HC_FRAME_NONE);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 52 42 00" FACTORS "01 1b" CALL), HC_FRAME_NONE);
	CU_ASSERT_EQUAL(judge_entries(&debug, "03 00" FACTORS CALL "-" RANGE), HC_FRAME_SOUND);
	/* What libdw does not take, and does nothing with. */
	CU_ASSERT_EQUAL(judge_entries(&eh, "02 00" FACTORS CALL "-" RANGE), HC_FRAME_NONE);
	CU_ASSERT_EQUAL(judge_entries(&debug, "04 00 04 00" FACTORS CALL "-" RANGE), HC_FRAME_NONE);
	/* Letters that tell of more than there is, or of nothing that has a size. */
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 4c 4c 4c 00" FACTORS "02 00 00"), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 50 00" FACTORS "02 01 00"), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 50 00" FACTORS "02 00 00"), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 00" FACTORS "7f 00"), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 52 00" FACTORS "1b"), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 65 68 00 00 00 00 00 00 00 00 00" FACTORS), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 52"), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 00 01"), HC_FRAME_UNSOUND);
	/* Addresses that lead elsewhere, are aligned, or of any length. */
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 52 00" FACTORS "01 9b"), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 52 00" FACTORS "01 53"), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 52 00" FACTORS "01 01"), HC_FRAME_UNSOUND);
	/* FDEs that are too short, or whose augmentation is too long. */
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 00" FACTORS "- 00 04 00 00 00 00 00 00 00 08"), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 00" FACTORS "00 -" RANGE), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 00" FACTORS "00 -" RANGE "01"), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, "01 7a 00" FACTORS "00 -" RANGE "00"), HC_FRAME_SOUND);
}

/* Lengths and pointers that are too large, at the section's end and near 2^64. */
static void test_entries(void)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();

	frame_append(bytes, 100, 4);
	frame_append(bytes, 0, 8);
	CU_ASSERT_EQUAL(judge(&eh, bytes), HC_FRAME_UNSOUND);
	g_byte_array_set_size(bytes, 0);
	frame_append(bytes, UINT32_MAX, 4);
	frame_append(bytes, UINT64_MAX - 3, 8);
	frame_append(bytes, 0, 8);
	CU_ASSERT_EQUAL(judge(&eh, bytes), HC_FRAME_UNSOUND);
	g_byte_array_set_size(bytes, 0);
	frame_append(bytes, 9, 4);
	frame_append(bytes, 5, 4); /* back to before the section */
	frame_append(bytes, 0, 8);
	frame_append(bytes, 0, 1);
	CU_ASSERT_EQUAL(judge(&eh, bytes), HC_FRAME_UNSOUND);
	g_byte_array_set_size(bytes, 0);
	frame_append(bytes, UINT32_MAX, 4); /* an FDE with offsets of 8 bytes */
	frame_append(bytes, 24, 8);
	frame_append(bytes, UINT64_MAX - 3, 8);
	frame_append(bytes, 0, 8);
	frame_append(bytes, 0, 8);
	CU_ASSERT_EQUAL(judge(&debug, bytes), HC_FRAME_UNSOUND);
}

/* libdw makes a tree of all that it has passed: 96 bytes for each of these 20. */
static void test_memory(void)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();

	frame_append(bytes, 14, 4);
	frame_append(bytes, 0, 4);
	append_hexadecimal(bytes, "01 7a 52 00" FACTORS "01 02"); /* DW_EH_PE_udata2 */
	frame_append(bytes, 0, 1);
	for (unsigned i = 0; i < 1500000; i++) {
		uint32_t start = bytes->len;

		frame_append(bytes, 9, 4);
		frame_append(bytes, start + 4, 4);
		frame_append(bytes, 0x00010000 | (i & 0xffff), 4);
		frame_append(bytes, 0, 1);
	}
	CU_ASSERT_EQUAL(judge(&eh, bytes), HC_FRAME_UNSOUND);
}

/* Which of two functions libdw would take where both are: either must do. Elsewhere what is not sound does not matter. */
static void test_overlapping_functions(void)
{
	static const char common[] = "01 00" FACTORS CALL, high[] = "00 08 00 00 00 00 00 00 00 08 00 00 00 00 00 00";
	g_autofree char *apart = g_strconcat(common, "-", high, " 3e -", RANGE, "0e 10", NULL);
	g_autofree char *at = g_strconcat(common, "-", high, " 0e 10 -", RANGE, "3e", NULL);
	g_autofree char *both =
		g_strconcat(common, "-", RANGE, " 3e - 00 03 00 00 00 00 00 00 00 08 00 00 00 00 00 00 0e 10", NULL);

	memcpy(strstr(apart, RANGE), "00 04 00 00 00 00 00 00 00 04", 29);
	CU_ASSERT_EQUAL(judge_entries(&eh, apart), HC_FRAME_SOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, at), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_entries(&eh, both), HC_FRAME_UNSOUND);

	/* As many runs as no linker leaves: all are looked through. */
	GString *backwards = g_string_new(common);

	for (unsigned i = 5000; i > 0; i--)
		g_string_append_printf(backwards, "- %02x %02x 01 00 00 00 00 00 01 00 00 00 00 00 00 00 %s", i & 0xff,
			i >> 8, i == 2500 ? "3f 3f" : "0e 10");
	CU_ASSERT_EQUAL(judge_entries(&eh, backwards->str), HC_FRAME_UNSOUND);
	memcpy(strstr(backwards->str, "3f 3f"), "0e 10", 5);
	CU_ASSERT_EQUAL(judge_entries(&eh, backwards->str), HC_FRAME_SOUND);
	g_string_free(backwards, TRUE);
}

/* The same bytes are an FDE's expression of a value, and the CFA's of one that begins in the midst of it. */
static GByteArray *make_overlapping(unsigned *ret_whole, unsigned *ret_part)
{
	GByteArray *bytes = g_byte_array_new();
	uint32_t length;

	frame_append(bytes, 20, 4);
	frame_append(bytes, 0, 4);
	append_hexadecimal(bytes, "01 7a 00" FACTORS "00" CALL "00 00 00 00");
	*ret_whole = bytes->len;
	frame_append(bytes, 0, 4);
	frame_append(bytes, *ret_whole + 4, 4);
	frame_append(bytes, FRAME_CODE + FRAME_CODE_SIZE / 2, 8);
	frame_append(bytes, FRAME_CODE_SIZE / 2, 8);
	append_hexadecimal(bytes, "00 10 03 19");
	*ret_part = bytes->len;
	frame_append(bytes, 27, 4);
	frame_append(bytes, *ret_part + 4, 4);
	frame_append(bytes, FRAME_CODE, 8);
	frame_append(bytes, FRAME_CODE_SIZE / 2, 8);
	append_hexadecimal(bytes, "01 16 0f 02 77 08");
	length = bytes->len - *ret_whole - 4;
	memcpy(bytes->data + *ret_whole, &length, sizeof length);
	length = bytes->len - *ret_part - 4;
	memcpy(bytes->data + *ret_part, &length, sizeof length);
	frame_append(bytes, 0, 4);
	return bytes;
}

static void test_two_kinds(void)
{
	static const uint8_t bytes[] = { 0x16, 0x0f, 0x02, 0x77, 0x08 };
	uint64_t memory = 0;
	unsigned registers;
	hc_frame_section section = { .bytes = bytes, .size = sizeof bytes, .is_64 = true };
	hc_frame_cursor value = { bytes, bytes + sizeof bytes, .is_big = false }, again = value,
			cfa = { bytes + 1, value.end, .is_big = false };

	hc_frame_section_init(&section, &memory);
	CU_ASSERT(hc_frame_instructions_are_sound(&section, &value, 8, &registers));
	CU_ASSERT_EQUAL(registers, 16);
	CU_ASSERT(hc_frame_instructions_are_sound(&section, &again, 8, &registers));
	CU_ASSERT_FALSE(hc_frame_instructions_are_sound(&section, &cfa, 8, &registers));
	hc_frame_section_clear(&section);
}

/* ---- .eh_frame_hdr ---- */

static hc_frame_verdict judge_table(const GByteArray *bytes, const int32_t *table, unsigned count, uint64_t address)
{
	uint64_t memory = 0;
	hc_frame_section section = { .bytes = bytes->data,
		.size = bytes->len,
		.is_64 = true,
		.table = (const uint8_t *)table,
		.table_count = count,
		.table_encoding = 0x3b,
		.table_base = 0x1000,
		.frame_address = 0x1000 };
	hc_frame_verdict verdict;

	hc_frame_section_init(&section, &memory);
	verdict = hc_frame_section_judge(&section, address);
	hc_frame_section_clear(&section);
	return verdict;
}

static void test_table(void)
{
	unsigned sound_at, unsound_at;
	g_autoptr(GByteArray) bytes = make_section(&eh, &cases[0], &sound_at);
	g_autoptr(GByteArray) unsound = make_section(&eh, &cases[10], &unsound_at);

	g_byte_array_set_size(bytes, bytes->len - 4); /* without what ends it */
	unsound_at += bytes->len;
	g_byte_array_append(bytes, unsound->data, unsound->len);

	const int32_t table[] = { 0x10, (int32_t)sound_at, 0x20, (int32_t)unsound_at, 0x30, -4, 0x40, 0, 0x50, 3, 0x60,
		(int32_t)bytes->len, 0x70, (int32_t)bytes->len - 3, 0x80, (int32_t)sound_at };

	CU_ASSERT_EQUAL(judge_table(bytes, table, 8, 0x100f), HC_FRAME_NONE);
	CU_ASSERT_EQUAL(judge_table(bytes, table, 8, 0x1010), HC_FRAME_SOUND);
	CU_ASSERT_EQUAL(judge_table(bytes, table, 8, 0x101f), HC_FRAME_SOUND);
	/* Not sound itself; in front of the section; a CIE; within an entry; behind the section; at its end. */
	for (uint64_t address = 0x1020; address < 0x1080; address += 0x10)
		CU_ASSERT_EQUAL(judge_table(bytes, table, 8, address), HC_FRAME_UNSOUND);
	CU_ASSERT_EQUAL(judge_table(bytes, table, 8, 0x1080), HC_FRAME_SOUND);
	CU_ASSERT_EQUAL(judge_table(bytes, table, 8, UINT64_MAX), HC_FRAME_SOUND);
}

/* Where SECTION says that the function with the byte at ADDRESS begins; 0: it does not. */
static uint64_t start_of(hc_frame_section *section, uint64_t address)
{
	uint64_t start = 0, memory = 0;

	hc_frame_section_init(section, &memory);
	CU_ASSERT_EQUAL(hc_frame_section_find_start(section, address, &start), start != 0);
	hc_frame_section_clear(section);
	return start;
}

/* With a table and without one; the table tells no ends. */
static void test_starts(void)
{
	unsigned sound_at, unsound_at;
	g_autoptr(GByteArray) sound = make_section(&eh, &cases[0], &sound_at);
	g_autoptr(GByteArray) unsound = make_section(&eh, &cases[10], &unsound_at);
	const int32_t table[] = { FRAME_CODE, (int32_t)sound_at }, other[] = { FRAME_CODE, (int32_t)unsound_at };
	const hc_frame_section plain = { .bytes = sound->data, .size = sound->len, .is_64 = true },
			       damaged = { .bytes = unsound->data, .size = unsound->len, .is_64 = true };

	for (unsigned with = 0; with < 2; with++) {
		hc_frame_section section = plain, broken = damaged;

		if (with) {
			section.table = (const uint8_t *)table;
			broken.table = (const uint8_t *)other;
			section.table_count = broken.table_count = 1;
			section.table_encoding = broken.table_encoding = 0x3b;
		}
		CU_ASSERT_EQUAL(start_of(&section, FRAME_CODE - 1), 0);
		CU_ASSERT_EQUAL(start_of(&section, FRAME_CODE), FRAME_CODE);
		CU_ASSERT_EQUAL(start_of(&section, FRAME_CODE + FRAME_CODE_SIZE - 1), FRAME_CODE);
		CU_ASSERT_EQUAL(start_of(&section, FRAME_CODE + FRAME_CODE_SIZE), 0);
		CU_ASSERT_EQUAL(start_of(&broken, FRAME_CODE), 0);
	}
}

/* ---- a thread ---- */

static bool has_diagnostic(const hc_diagnostics *diagnostics)
{
	for (unsigned i = 0; i < hc_diagnostics_count(diagnostics); i++)
		if (!strcmp(hc_diagnostics_get(diagnostics, i)->kind->id, "calls-left-out"))
			return true;
	return false;
}

/* How many frames a thread in the program IMAGE has, whose caller is where the thread is, each time. *RET_LEFT_OUT: that is said. */
static unsigned unwind(const GByteArray *image, uint64_t caller, bool *ret_left_out)
{
	g_autofree char *folder = g_dir_make_tmp("heapcore-frames-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "program", NULL);
	const hc_modules_options options = { .sysroot = folder };
	hc_diagnostics *diagnostics = hc_diagnostics_create();
	core_builder *builder = frame_core("/program", (const uint8_t *)&caller, sizeof caller);
	hc_core *core = core_builder_open(builder, diagnostics, NULL);
	unsigned count = 0;

	CU_ASSERT(g_file_set_contents(path, (const char *)image->data, image->len, NULL));
	hc_modules *modules = core ? hc_modules_open(core, &options, diagnostics, NULL) : NULL;

	CU_ASSERT_PTR_NOT_NULL(modules);
	if (modules) {
		hc_modules_frames(modules, 0, &count);
		hc_modules_frame_registers(modules, 0);
	}
	*ret_left_out = has_diagnostic(diagnostics);
	hc_modules_close(modules);
	hc_core_close(core);
	core_builder_destroy(builder);
	hc_diagnostics_destroy(diagnostics);
	g_unlink(path);
	g_rmdir(folder);
	return count;
}

static long peak_memory(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void test_threads(void)
{
	long before = peak_memory();

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
		for (unsigned k = 0; k < G_N_ELEMENTS(forms); k++) {
			unsigned function;
			bool left_out;
			g_autoptr(GByteArray) section = make_section(forms[k], &cases[i], &function);
			g_autoptr(GByteArray) image = frame_program(forms[k], section->data, section->len, function);
			unsigned count = unwind(image, 0x555555554000 + FRAME_CODE + 16, &left_out);

			/* Not all that is sound makes sense. */
			expect(count >= 1 && left_out == !cases[i].is_sound && (cases[i].is_sound || count == 1) &&
					(i || count > SOUND_FRAMES),
				cases[i].what, forms[k]->name);
		}
	expect(peak_memory() - before < MOST_MEMORY, "memory", "all");
}

static void test_overlapping(void)
{
	unsigned whole, part;
	bool left_out;
	g_autoptr(GByteArray) frames = make_overlapping(&whole, &part), table = g_byte_array_new();

	frame_append(table, 0x3b030301, 4);
	frame_append(table, 0, 4);
	frame_append(table, 2, 4);
	frame_append(table, FRAME_CODE, 4);
	frame_append(table, part, 4);
	frame_append(table, FRAME_CODE + FRAME_CODE_SIZE / 2, 4);
	frame_append(table, whole, 4);

	const program_section sections[] = {
		{ ".eh_frame_hdr", table->data, table->len },
		{ ".eh_frame", frames->data, frames->len },
	};
	g_autoptr(GByteArray) image = program_image_with_sections(sections, 2);

	CU_ASSERT_EQUAL(unwind(image, 0x555555554000 + FRAME_CODE + FRAME_CODE_SIZE / 2 + 16, &left_out), 2);
	CU_ASSERT(left_out);
}

int main(void)
{
	static const unit_case all[] = {
		{ "instructions", test_instructions },
		{ "augmentation", test_augmentation },
		{ "entries", test_entries },
		{ "memory", test_memory },
		{ "overlapping functions", test_overlapping_functions },
		{ "two kinds", test_two_kinds },
		{ "table", test_table },
		{ "starts", test_starts },
		{ "threads", test_threads },
		{ "overlapping entries", test_overlapping },
	};

	return unit_main("frames", all, G_N_ELEMENTS(all));
}
