/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/diagnostics.h"

#include <stdarg.h>

struct hc_diagnostics {
	GMutex mutex;
	GPtrArray *list; /* of struct entry; few kinds exist, so it is searched from the front */
};

struct entry {
	hc_diagnostic public;
	char *example;
	hc_diagnostic_kind *own_kind; /* of what was restored; else NULL */
};

static void entry_free(void *data)
{
	struct entry *entry = data;

	if (entry->own_kind) {
		g_free((char *)entry->own_kind->id);
		g_free((char *)entry->own_kind->text);
		g_free(entry->own_kind);
	}
	g_free(entry->example);
	g_free(entry);
}

hc_diagnostics *hc_diagnostics_create(void)
{
	hc_diagnostics *diagnostics = g_new0(hc_diagnostics, 1);

	g_mutex_init(&diagnostics->mutex);
	diagnostics->list = g_ptr_array_new_with_free_func(entry_free);
	return diagnostics;
}

void hc_diagnostics_destroy(hc_diagnostics *diagnostics)
{
	if (!diagnostics)
		return;
	g_ptr_array_unref(diagnostics->list);
	g_mutex_clear(&diagnostics->mutex);
	g_free(diagnostics);
}

static struct entry *find_entry(const hc_diagnostics *diagnostics, const hc_diagnostic_kind *kind)
{
	for (unsigned i = 0; i < diagnostics->list->len; i++) {
		struct entry *entry = diagnostics->list->pdata[i];

		if (entry->public.kind == kind)
			return entry;
	}
	return NULL;
}

void hc_diagnostics_add(
	hc_diagnostics *diagnostics, const hc_diagnostic_kind *kind, uint64_t bytes, const char *example_format, ...)
{
	g_mutex_lock(&diagnostics->mutex);
	struct entry *entry = find_entry(diagnostics, kind);

	if (!entry) {
		entry = g_new0(struct entry, 1);
		entry->public.kind = kind;
		if (example_format) {
			va_list arguments;

			va_start(arguments, example_format);
			entry->example = g_strdup_vprintf(example_format, arguments);
			va_end(arguments);
		}
		entry->public.example = entry->example;
		g_ptr_array_add(diagnostics->list, entry);
	}
	entry->public.count++;
	entry->public.bytes += bytes;
	g_mutex_unlock(&diagnostics->mutex);
}

void hc_diagnostics_restore(hc_diagnostics *diagnostics, const hc_diagnostic *diagnostic)
{
	struct entry *entry = g_new0(struct entry, 1);

	entry->own_kind = g_new0(hc_diagnostic_kind, 1);
	entry->own_kind->id = g_strdup(diagnostic->kind->id);
	entry->own_kind->text = g_strdup(diagnostic->kind->text);
	entry->own_kind->severity = diagnostic->kind->severity;
	entry->example = g_strdup(diagnostic->example);
	entry->public = *diagnostic;
	entry->public.kind = entry->own_kind;
	entry->public.example = entry->example;
	g_mutex_lock(&diagnostics->mutex);
	g_ptr_array_add(diagnostics->list, entry);
	g_mutex_unlock(&diagnostics->mutex);
}

unsigned hc_diagnostics_count(const hc_diagnostics *diagnostics)
{
	return diagnostics->list->len;
}

const hc_diagnostic *hc_diagnostics_get(const hc_diagnostics *diagnostics, unsigned index)
{
	return index < diagnostics->list->len ? &((struct entry *)diagnostics->list->pdata[index])->public : NULL;
}

static bool has_severity(const hc_diagnostics *diagnostics, hc_severity least)
{
	for (unsigned i = 0; i < diagnostics->list->len; i++)
		if (hc_diagnostics_get(diagnostics, i)->kind->severity >= least)
			return true;
	return false;
}

bool hc_diagnostics_partial(const hc_diagnostics *diagnostics)
{
	return has_severity(diagnostics, HC_SEVERITY_PARTIAL);
}

bool hc_diagnostics_heap_partial(const hc_diagnostics *diagnostics)
{
	return has_severity(diagnostics, HC_SEVERITY_HEAP_PARTIAL);
}
