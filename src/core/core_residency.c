/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which pages of a core's process were in memory: the capture's list beside the core, held against its smaps. */
#include "core/core_state.h"

#include "core/residency.h"

#include "base/file.h"

#include <inttypes.h>

static const hc_diagnostic_kind not_read = {
	"resident-pages-not-read",
	HC_SEVERITY_NOTE,
	"beside the core tells which pages were resident, and could not be read: how much of each row was resident is not known",
};

static const hc_diagnostic_kind differs = {
	"resident-pages-differ",
	HC_SEVERITY_NOTE,
	"of mappings are counted differently by the capture's list of pages and by its smaps: resident and swapped bytes may differ by as much",
};

static const hc_diagnostic_kind share_unknown = {
	"shares-not-known",
	HC_SEVERITY_NOTE,
	"were in memory in mappings that changed while the process was captured: how much of that other processes share is not known",
};

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* The list of pages and smaps are of one moment: mapping by mapping they must agree. */
static void compare_with_smaps(hc_core *core)
{
	g_autoptr(GArray) entries = hc_core_read_smaps(core);
	size_t hint[2] = { 0, 0 };

	for (unsigned i = 0; entries && i < entries->len; i++) {
		const hc_smaps_entry *entry = &g_array_index(entries, hc_smaps_entry, i);
		hc_resident pages = hc_residency_next(core->residency, entry->start, entry->end, hint);
		uint64_t resident = entry->resident + entry->huge_table;
		uint64_t bytes = difference(pages.resident, resident) + difference(pages.swapped, entry->swapped);

		if (bytes)
			hc_diagnostics_add(core->diagnostics, &differs, bytes,
				"at %#" PRIx64 ": %" PRIu64 " bytes resident and %" PRIu64 " swapped by pages, %" PRIu64
				" and %" PRIu64 " by smaps",
				entry->start, pages.resident, pages.swapped, resident, entry->swapped);
		if (entry->resident && !entry->knows_proportional)
			hc_diagnostics_add(core->diagnostics, &share_unknown, entry->resident,
				"at %#" PRIx64 ": %" PRIu64 " bytes%s%s", entry->start, entry->resident,
				*entry->path ? " of " : "", entry->path);
	}
}

void hc_core_load_residency(hc_core *core)
{
	g_autofree char *path = hc_core_beside(core, HC_RESIDENCY_FILE), *contents = NULL;
	g_autoptr(GError) error = NULL;
	size_t length;

	if (!path || !g_file_test(path, G_FILE_TEST_EXISTS))
		return;
	contents = hc_file_read(path, HC_RESIDENCY_FILE_LIMIT, &length, &error);
	if (contents)
		core->residency = hc_residency_load(contents, length, core->process.page_size, &error);
	if (!core->residency) {
		hc_diagnostics_add(core->diagnostics, &not_read, 0, "%s", error->message);
		return;
	}
	compare_with_smaps(core);
}

bool hc_core_knows_resident(const hc_core *core)
{
	return core->residency != NULL;
}

hc_resident hc_core_resident(const hc_core *core, hc_address start, hc_address end)
{
	return core->residency ? hc_residency_of(core->residency, start, end) : (hc_resident){ 0, 0 };
}

hc_resident hc_core_resident_next(const hc_core *core, hc_address start, hc_address end, size_t hint[2])
{
	return core->residency ? hc_residency_next(core->residency, start, end, hint) : (hc_resident){ 0, 0 };
}
