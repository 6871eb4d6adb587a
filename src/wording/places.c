/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of places: of words in memory, and of what stands in the program's data. */
#include "wording/wording.h"

#include "base/text.h"
#include "modules/modules.h"

#include <inttypes.h>

/* ---- in the program's data ---- */

static char *word_of_threads(const hc_where *where, unsigned threads)
{
	char count[HC_TEXT_COUNT_LENGTH];

	hc_text_count(count, threads);
	if (where->kind == HC_WHERE_THREAD_LOCAL)
		return g_strdup_printf("thread-local of %s threads", count);
	if (where->kind == HC_WHERE_STACK)
		return g_strdup_printf("in %s threads", count);
	return g_strdup_printf("%s() in %s threads", where->name ? where->name : "?", count);
}

char *hc_word_where(const hc_where *where, unsigned threads)
{
	const char *name = where->name ? where->name : "?";

	if (threads)
		return word_of_threads(where, threads);
	switch (where->kind) {
	case HC_WHERE_UNTYPED:
		return g_strdup("nothing typed leads to it");
	case HC_WHERE_STATIC:
		return g_strdup("static");
	case HC_WHERE_FUNCTION:
		return g_strdup_printf("static in %s()", name);
	case HC_WHERE_THREAD_LOCAL:
		return g_strdup_printf("thread-local of thread %" PRId64, where->thread);
	case HC_WHERE_FRAME:
		return g_strdup_printf("%s() frame %u of thread %" PRId64, name, where->frame, where->thread);
	case HC_WHERE_FIELD:
		return g_strdup_printf("field of %s", name);
	case HC_WHERE_ELEMENTS:
		return g_strdup_printf("in every element of %s", name);
	case HC_WHERE_DATA:
		return g_strdup("data without a symbol");
	case HC_WHERE_LIBRARY:
		return g_strdup_printf("static of %s", name);
	case HC_WHERE_MAPPING:
		return g_strdup("memory that is not malloc's");
	case HC_WHERE_STACK:
		if (!where->thread)
			return g_strdup("of no live thread");
		return where->frame == UINT_MAX ?
			       g_strdup_printf("thread %" PRId64, where->thread) :
			       g_strdup_printf("frame %u of thread %" PRId64, where->frame, where->thread);
	default:
		return NULL;
	}
}

/* ---- in memory ---- */

char *hc_word_address(const hc_address_name *name)
{
	const char *module = name->module->name;
	g_autofree char *symbol = name->symbol ? hc_variable_name(name->symbol) : NULL;

	if (!symbol)
		return g_strdup_printf(
			"%s%s+%#" PRIx64, module, name->is_thread_local ? "'s thread-local storage" : "", name->offset);
	if (!name->offset)
		return g_strdup_printf("%s in %s", symbol, module);
	return g_strdup_printf("%s+%#" PRIx64 " in %s", symbol, name->offset, module);
}

char *hc_word_address_in(hc_modules *modules, hc_address address)
{
	hc_address_name name;

	return hc_modules_name(modules, address, &name) ? hc_word_address(&name) : NULL;
}

char *hc_word_frame(hc_modules *modules, const hc_frame *frame)
{
	hc_address_name name;

	return hc_modules_name_frame(modules, frame, &name) ? hc_word_address(&name) : NULL;
}

/* "rbx", "xmm3", "upper half of ymm3" */
static char *word_of_register(const hc_place *place)
{
	if (place->register_name)
		return g_strdup(place->register_name);
	switch (place->vector) {
	case HC_VECTOR_XMM:
		return g_strdup_printf("xmm%u", place->register_number);
	case HC_VECTOR_YMM_UPPER:
		return g_strdup_printf("upper half of ymm%u", place->register_number);
	case HC_VECTOR_OTHER:
		return g_strdup_printf("vector registers+%u", place->register_number);
	default:
		return g_strdup_printf("register %u", place->register_number);
	}
}

/* "sp+0x18", "sp-0x8" */
static void append_offset(GString *text, int64_t offset)
{
	g_string_append_printf(
		text, "sp%s%#" PRIx64, offset < 0 ? "-" : "+", offset < 0 ? -(uint64_t)offset : (uint64_t)offset);
}

static void append_stack(GString *text, const hc_place *place)
{
	g_autofree char *function = place->name.module ? hc_word_address(&place->name) :
							 g_strdup("a function without a name");

	switch (place->stack) {
	case HC_STACK_FRAME:
		if (place->saved_by >= 0) {
			g_string_append_printf(text,
				"stack of thread %" PRId64 ", a register of #%d %s, saved by #%d at ", place->thread_id,
				place->frame, function, place->saved_by);
			return append_offset(text, place->offset);
		}
		g_string_append_printf(
			text, "stack of thread %" PRId64 ", #%d %s, ", place->thread_id, place->frame, function);
		return append_offset(text, place->offset);
	case HC_STACK_LAST_FRAME:
		g_string_append_printf(text, "stack of thread %" PRId64 ", in or above the last known frame, %s, ",
			place->thread_id, function);
		return append_offset(text, place->offset);
	case HC_STACK_NO_FRAME:
		g_string_append_printf(text, "stack of thread %" PRId64 ", ", place->thread_id);
		return append_offset(text, place->offset);
	case HC_STACK_LEFT:
		g_string_append_printf(text,
			"stack of thread %" PRId64
			", which runs on another one now (a coroutine's or a signal handler's), 0x%" PRIx64,
			place->thread_id, place->address);
		return;
	case HC_STACK_OF_MAIN:
		g_string_append_printf(text, "stack of the main thread, which has ended, 0x%" PRIx64, place->address);
		return;
	case HC_STACK_COROUTINE:
		g_string_append_printf(
			text, "stack of a coroutine on which no thread runs now, 0x%" PRIx64, place->address);
		return;
	case HC_STACK_RESULT:
		g_string_append(text, "result of a thread that has ended and waits to be joined");
		return;
	case HC_STACK_BELOW:
		g_string_append_printf(text, "unused stack of thread %" PRId64 ", sp-%#" PRIx64, place->thread_id,
			-(uint64_t)place->offset);
		return;
	default:
		g_string_append(text, "unused stack of a thread that has ended");
		return;
	}
}

static void append_block(GString *text, const hc_place *place)
{
	const hc_block *block = &place->block;
	g_autofree char *label = hc_word_label(block->label);

	g_string_append_printf(text, "block 0x%" PRIx64, block->address);
	if (place->address != block->address)
		g_string_append_printf(text, "+%" PRIu64, place->address - block->address);
	g_string_append_printf(text, ", %" PRIu64 " bytes", block->size);
	if (block->state != HC_BLOCK_IN_USE)
		g_string_append_printf(text, ", %s", hc_block_state_name(block->state));
	if (label)
		g_string_append_printf(text, ", %s", label);
}

static void append_mapping(GString *text, const hc_place *place)
{
	const hc_area *area = place->area;
	const char *path = area->mapping ? area->mapping->path : NULL;

	g_string_append_printf(text, "%s%s%s 0x%" PRIx64 "-0x%" PRIx64 ", +%#" PRIx64, hc_area_kind_name(area->kind),
		path ? " " : "", path ? path : "", area->start, area->end, place->address - area->start);
}

char *hc_word_place(const hc_place *place)
{
	GString *text = g_string_new(NULL);
	g_autofree char *name = place->kind == HC_PLACE_REGISTER ? word_of_register(place) :
				place->name.module		 ? hc_word_address(&place->name) :
								   NULL;

	switch (place->kind) {
	case HC_PLACE_REGISTER:
		g_string_append_printf(text, "%s of thread %" PRId64, name, place->thread_id);
		break;
	case HC_PLACE_VARIABLE:
	case HC_PLACE_CODE:
		g_string_append(text, name);
		break;
	case HC_PLACE_THREAD_LOCAL:
		g_string_append_printf(text, "%s, thread-local of thread %" PRId64, name, place->thread_id);
		break;
	case HC_PLACE_THREAD_DESCRIPTOR:
		g_string_append_printf(text, "libc's descriptor of thread %" PRId64 "+%#" PRIx64, place->thread_id,
			(uint64_t)place->offset);
		break;
	case HC_PLACE_STACK:
	case HC_PLACE_STACK_UNUSED:
		append_stack(text, place);
		break;
	case HC_PLACE_BLOCK:
		append_block(text, place);
		break;
	case HC_PLACE_MAPPING:
		append_mapping(text, place);
		break;
	default:
		g_string_append(text, "not mapped");
		break;
	}
	return g_string_free(text, FALSE);
}
