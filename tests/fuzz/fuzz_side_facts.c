/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * capture/side_facts.c: the files of a capture's folder. The input is one after the other, as
 *
 *	@NAME		on a line of its own, one of `names`; what follows, up to the next such line, is in that file
 */
#include "process.h"

#include "capture/capture.h"
#include "core/core.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = { "capture.ini", "smaps", "smaps_rollup", "status", "maps", "meminfo", "sockstat",
	"sockstat6", "pages", "descriptors", "sockets", "cgroup", "core.1" };

static const char *known(const fuzz_input *line)
{
	for (unsigned i = 0; line->left && *line->at == '@' && i < G_N_ELEMENTS(names); i++)
		if (strlen(names[i]) == line->left - 1 && !memcmp(names[i], line->at + 1, line->left - 1))
			return names[i];
	return NULL;
}

static void write_file(const char *name, const uint8_t *start, size_t size)
{
	g_autofree char *path = g_build_filename(fuzz_folder(), name, NULL);
	FILE *file = fopen(path, "we");

	g_assert(file && fwrite(start, 1, size, file) == size && !fclose(file));
}

static void write_files(fuzz_input input)
{
	const uint8_t *start = input.at;
	const char *name = NULL;

	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(fuzz_folder(), names[i], NULL);

		unlink(path);
	}
	while (input.left) {
		fuzz_input line = fuzz_part_before(&input, '\n');
		const char *next = known(&line);

		if (!next)
			continue;
		if (name)
			write_file(name, start, (size_t)(line.at - start));
		name = next;
		start = input.at;
	}
	if (name)
		write_file(name, start, (size_t)(input.at - start));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	hc_side_facts *facts, *loaded;
	GVariant *stored;

	write_files((fuzz_input){ data, size });
	facts = hc_side_facts_read(fuzz_folder(), &error);
	fuzz_expect(facts || error, "no facts, and no error");
	if (!facts)
		return 0;
	hc_report_capture(facts, "folder", &fuzz_report_text, NULL);
	hc_report_capture(facts, "folder", &fuzz_report_json, NULL);
	for (unsigned i = 0; i < hc_side_facts_socket_count(facts); i++)
		fuzz_see_text(hc_side_facts_socket(facts, i)->local);
	stored = g_variant_ref_sink(hc_side_facts_store(facts));
	loaded = hc_side_facts_load(stored);
	fuzz_expect(loaded != NULL, "what was stored is not loaded");
	hc_side_facts_free(loaded);
	g_variant_unref(stored);
	hc_side_facts_free(facts);
	return 0;
}
