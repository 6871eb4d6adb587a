/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file of runs of pages: writing and reading it. It may be anything: what is no such file is refused as a whole. */
#include "core/core_state.h"

#include "core/residency.h"

#include <inttypes.h>
#include <string.h>

#define MAGIC "heapcore-pages "

enum {
	LINE_MAX_BYTES = 128,
	NUMBER_BITS = 64,
	LARGEST_PAGE = 1 << 20, /* bytes */
	BYTES_LEAST = 3,	/* of a run: two numbers and a kind */
};

/* ---- writing ---- */

void hc_page_runs_append(GArray *runs, hc_address start, hc_address end, unsigned kind)
{
	hc_page_run run = { start, end, kind }, *last;

	last = runs->len ? &g_array_index(runs, hc_page_run, runs->len - 1) : NULL;
	if (last && last->end == start && last->kind == kind)
		last->end = end;
	else
		g_array_append_val(runs, run);
}

/* LEB128, unsigned. */
static void append_number(GByteArray *bytes, uint64_t number)
{
	do {
		guint8 byte = (number & 0x7f) | (number > 0x7f ? 0x80 : 0);

		g_byte_array_append(bytes, &byte, 1);
		number >>= 7;
	} while (number);
}

GByteArray *hc_page_runs_store(const GArray *runs, uint64_t page_size)
{
	g_autoptr(GByteArray) body = g_byte_array_new();
	GByteArray *contents = g_byte_array_new();
	hc_address end = 0;

	for (unsigned i = 0; i < runs->len; i++) {
		const hc_page_run *run = &g_array_index(runs, hc_page_run, i);
		guint8 kind = run->kind;

		append_number(body, (run->start - end) / page_size);
		append_number(body, (run->end - run->start) / page_size);
		g_byte_array_append(body, &kind, 1);
		end = run->end;
	}
	g_autofree char *line =
		g_strdup_printf(MAGIC "%d %" PRIu64 " %u %u\n", HC_RESIDENCY_FORMAT, page_size, runs->len, body->len);

	g_byte_array_append(contents, (const guint8 *)line, strlen(line));
	g_byte_array_append(contents, body->data, body->len);
	return contents;
}

/* ---- reading ---- */

struct page_file {
	const uint8_t *at, *end;
	uint64_t page_size, runs;
};

static bool fail(GError **error, int code, const char *why)
{
	g_set_error(error, HC_ERROR, code, "the capture's list of pages %s", why);
	return false;
}

static bool read_number(struct page_file *file, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (unsigned shift = 0; shift < NUMBER_BITS && file->at < file->end; shift += 7) {
		uint64_t bits = *file->at & 0x7f;

		if (bits << shift >> shift != bits)
			return false;
		number |= bits << shift;
		if (!(*file->at++ & 0x80)) {
			*ret_number = number;
			return true;
		}
	}
	return false;
}

static bool read_line(struct page_file *file, uint64_t page_size, GError **error)
{
	size_t length = file->end - file->at;
	const uint8_t *end = memchr(file->at, '\n', MIN(length, LINE_MAX_BYTES));
	g_autofree char *line = end ? g_strndup((const char *)file->at, end - file->at) : NULL;
	g_auto(GStrv) words = g_strsplit(line ? line : "", " ", 6);
	uint64_t numbers[4];

	if (!line || !g_str_has_prefix(line, MAGIC) || g_strv_length(words) < 2 ||
		!g_ascii_string_to_unsigned(words[1], 10, 1, UINT32_MAX, &numbers[0], NULL))
		return fail(error, HC_ERROR_BAD_DATA, "is no such list");
	if (numbers[0] > HC_RESIDENCY_FORMAT)
		return fail(error, HC_ERROR_UNSUPPORTED, "was written by a later heapcore");
	for (unsigned i = 1; i < G_N_ELEMENTS(numbers); i++)
		if (g_strv_length(words) != 5 ||
			!g_ascii_string_to_unsigned(words[i + 1], 10, 0, INT64_MAX, &numbers[i], NULL))
			return fail(error, HC_ERROR_BAD_DATA, "is no such list");
	file->at = end + 1;
	file->page_size = numbers[1];
	file->runs = numbers[2];
	if (numbers[3] > (uint64_t)(file->end - file->at))
		return fail(error, HC_ERROR_TRUNCATED, "was cut");
	if (numbers[3] < (uint64_t)(file->end - file->at) || file->runs > numbers[3] / BYTES_LEAST)
		return fail(error, HC_ERROR_BAD_DATA, "contradicts itself: its length is not what it says");
	if (numbers[1] != page_size || page_size > LARGEST_PAGE || (page_size & (page_size - 1)) != 0)
		return fail(error, HC_ERROR_BAD_DATA, "has pages of another size than the core");
	return true;
}

/* FALSE: it makes no sense. PAGE: the number of the page behind the run before, moved behind this one. */
static bool read_run(struct page_file *file, uint64_t *page, hc_page_run *ret_run)
{
	uint64_t most = UINT64_MAX / file->page_size, gap, count;
	unsigned kind;

	if (!read_number(file, &gap) || !read_number(file, &count) || file->at == file->end)
		return false;
	kind = *file->at++;
	if (!count || gap > most - *page || count > most - *page - gap || kind & ~HC_PAGE_ALL ||
		(kind & HC_PAGE_PRESENT && kind & HC_PAGE_SWAPPED))
		return false;
	ret_run->start = (*page + gap) * file->page_size;
	*page += gap + count;
	ret_run->end = *page * file->page_size;
	ret_run->kind = kind;
	return true;
}

hc_residency *hc_residency_load(const void *contents, size_t length, uint64_t page_size, GError **error)
{
	struct page_file file = { .at = contents, .end = (const uint8_t *)contents + length };
	g_autoptr(hc_residency) residency = NULL;
	uint64_t page = 0;

	if (!read_line(&file, page_size, error))
		return NULL;
	residency = hc_residency_new();
	for (uint64_t i = 0; i < file.runs; i++) {
		hc_page_run run;

		if (!read_run(&file, &page, &run)) {
			fail(error, HC_ERROR_BAD_DATA, "is damaged");
			return NULL;
		}
		if (!hc_residency_add(residency, &run)) {
			fail(error, HC_ERROR_NO_MEMORY, "has more runs than there is memory for");
			return NULL;
		}
	}
	if (file.at != file.end) {
		fail(error, HC_ERROR_BAD_DATA, "contradicts itself: something is behind its last run");
		return NULL;
	}
	return g_steal_pointer(&residency);
}
