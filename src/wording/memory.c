/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of the memory table, and what areas look like. */
#include "wording/wording.h"

#include "base/text.h"

#include <inttypes.h>

const char *hc_word_row(hc_row_id id, bool is_bound)
{
	static const char *const titles[HC_ROW_COUNT] = {
		[HC_ROW_IN_USE] = "in use by the program",
		[HC_ROW_LOST] = "of which lost: nothing points to it",
		[HC_ROW_MMAPPED] = "in use by the program, mmapped chunks",
		[HC_ROW_LOST_MMAPPED] = "of which lost: nothing points to it",
		[HC_ROW_RUNTIME] = "in use by libc and the runtime",
		[HC_ROW_FREE_TCACHE] = "free, kept by malloc: tcache",
		[HC_ROW_FREE_FASTBINS] = "free, kept by malloc: fastbins",
		[HC_ROW_FREE_BINS] = "free, kept by malloc: bins",
		[HC_ROW_FREE_TOP] = "free, kept by malloc: top",
		[HC_ROW_OVERHEAD] = "malloc's own (headers, arenas, end marks)",
		[HC_ROW_STACKS] = "stacks, live part",
		[HC_ROW_DATA] = "data of program and libraries",
		[HC_ROW_FILES] = "files: text, read-only data, mapped files",
		[HC_ROW_SHARED] = "shared memory",
		[HC_ROW_ANONYMOUS] = "other anonymous mappings",
		[HC_ROW_FOREIGN_SBRK] = "program break, not malloc's",
		[HC_ROW_KERNEL] = "kernel's pages (vdso, vvar)",
		[HC_ROW_STACKS_UNUSED] = "stacks, unused part",
		[HC_ROW_RESERVED] = "reserved, never memory (thread-heap tails, guards)",
		[HC_ROW_NOT_DUMPED] = "memory that was not dumped",
		[HC_ROW_HEAP_UNREADABLE] = "heap that could not be followed",
		[HC_ROW_TRUNCATED] = "cut off: missing at the end of the core",
	};

	if (is_bound && hc_row_is_lost(id))
		return "of which at most lost: no pointer in the core";
	if (is_bound && id == HC_ROW_ANONYMOUS)
		return "anonymous mappings (a heap that was not read is among them)";
	return (unsigned)id < HC_ROW_COUNT && titles[id] ? titles[id] : "";
}

char *hc_word_runtime(const hc_runtime_use *use)
{
	static const char *const names[HC_RUNTIME_COUNT] = {
		[HC_RUNTIME_JAVA] = "the Java heap",
		[HC_RUNTIME_JAVA_CODE] = "code that the Java VM compiled",
		[HC_RUNTIME_V8] = "V8's heap",
		[HC_RUNTIME_GO] = "Go's heap",
		[HC_RUNTIME_PYTHON] = "Python's arenas of objects",
		[HC_RUNTIME_RUBY] = "Ruby's pages of objects",
		[HC_RUNTIME_PHP] = "PHP's chunks",
		[HC_RUNTIME_LUAJIT] = "LuaJIT's memory",
	};
	const char *probably = use->is_proved ? "" : "probably ";

	if (use->kind == HC_RUNTIME_ALLOCATOR)
		return g_strdup_printf("%smemory of %s", probably, use->name);
	if (use->kind == HC_RUNTIME_NAMED)
		return g_strdup_printf("memory that the process named \"%s\"", use->name);
	return g_strconcat(probably, names[use->kind], NULL);
}

char *hc_word_runtime_memory(const hc_runtime_use *use)
{
	g_autofree char *whose = hc_word_runtime(use);

	return g_strconcat(use->is_proved ? "" : "what is ", whose, NULL);
}

char *hc_word_area(const hc_area *area)
{
	if (area->runtime.kind)
		return hc_word_runtime(&area->runtime);
	switch (area->user) {
	case HC_AREA_USER_MODULE:
		return g_strdup_printf("the data of %s points to it (%u word%s)", area->user_name, area->user_words,
			area->user_words == 1 ? "" : "s");
	case HC_AREA_USER_THREAD:
		return g_strdup("thread-local storage");
	case HC_AREA_USER_ALLOCATOR:
		return g_strdup_printf("probably %s's: it serves this program", area->user_name);
	default:
		return NULL;
	}
}

static void append_part(GString *text, const char *part)
{
	if (part)
		g_string_append_printf(text, "%s%s", text->len ? "; " : "", part);
}

char *hc_word_mapping(const hc_core *core, const hc_area *area)
{
	bool is_stack = area->kind == HC_AREA_STACK || area->kind == HC_AREA_STACK_UNUSED;
	g_autofree char *note = hc_word_area(area);
	GString *text = g_string_new(NULL);

	if (is_stack && area->owner < hc_core_thread_count(core))
		g_string_append_printf(text, "thread %" PRIi64, hc_core_thread(core, area->owner)->id);
	append_part(text, area->mapping ? area->mapping->path : NULL);
	append_part(text, note);
	return g_string_free(text, FALSE);
}

const char *hc_word_resident_not_known(void)
{
	return "how much was resident a core does not tell: heapcore capture does";
}

char *hc_word_proportional(uint64_t bytes)
{
	char size[HC_TEXT_SIZE_LENGTH];

	return g_strdup_printf("%s as its share of what others map too (PSS)", hc_text_size(size, bytes));
}

char *hc_word_row_note(const hc_memory_row *row)
{
	const hc_area *largest = row->largest;
	char size[HC_TEXT_SIZE_LENGTH];

	if (!largest)
		return NULL;
	g_autofree char *user = hc_word_area(largest);
	const char *what = user ? user : largest->mapping->path;

	return g_strdup_printf("largest %s at %#" PRIx64 "%s%s", hc_text_size(size, largest->end - largest->start),
		largest->start, what ? ": " : "", what ? what : "");
}

char *hc_word_free_pages(const hc_free_pages *pages, bool by_resident)
{
	char zero[HC_TEXT_SIZE_LENGTH], trim[HC_TEXT_SIZE_LENGTH];

	return g_strdup_printf("%s %s; trimming gives %s", hc_text_size(zero, pages->zero),
		by_resident ? "given back already" : "zero", hc_text_size(trim, hc_free_pages_gain(pages)));
}
