/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* core/: the two files of a capture that an analysis reads: "pages" (byte 0 is even) and "smaps" (it is odd). */
#include "fuzz.h"

#include "core/core.h"
#include "core/residency.h"

static void read_pages(const fuzz_input *input)
{
	/* Of their own, so that a sanitizer sees where they end. */
	g_autofree uint8_t *bytes = g_memdup2(input->at, input->left);
	g_autoptr(GError) error = NULL;
	g_autoptr(hc_residency)
		residency = hc_residency_load(bytes ? bytes : (const uint8_t *)"", input->left, 4096, &error);
	size_t hint[2] = { 0 };

	fuzz_expect(residency || error, "no pages, and no error");
	if (!residency)
		return;
	for (hc_address at = 0; at < 64 << 12; at += 1000) {
		hc_resident next = hc_residency_next(residency, at, at + 3000, hint),
			    of = hc_residency_of(residency, at, at + 3000);

		fuzz_expect(next.resident == of.resident && next.swapped == of.swapped, "two answers");
		fuzz_expect(of.resident + of.swapped <= 3000, "more than there is");
	}
	hc_residency_of(residency, 0, UINT64_MAX);
	hc_residency_of(residency, UINT64_MAX - 8192, UINT64_MAX);
}

static void read_smaps(const fuzz_input *input)
{
	g_autofree char *text = fuzz_text(input);
	g_autoptr(GArray) entries = hc_smaps_parse(text);

	for (unsigned i = 0; i < entries->len; i++)
		fuzz_see_text(g_array_index(entries, hc_smaps_entry, i).path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input input = { data, size };

	if (fuzz_number(&input, 1) & 1)
		read_smaps(&input);
	else
		read_pages(&input);
	return 0;
}
