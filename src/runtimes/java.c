/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HotSpot, the virtual machine of OpenJDK, tells debuggers where it has what: gHotSpotVMStructs leads to a table of fields, whose layout
 * stands in variables beside it (src/hotspot/share/runtime/vmStructs.hpp; the serviceability agent reads it). libjvm.so exports all of them.
 * From there Universe::_collectedHeap leads to the heap, which has the range that it reserved; CodeCache has the bounds of compiled
 * code. Collectors without such a range (ZGC) have the heap in a file in memory whose name says so.
 */
#include "runtimes/runtimes_state.h"

#include <string.h>

enum {
	ENTRIES_MAX = 1 << 15,
	STRIDE_MAX = 1 << 12,
	NAME_BYTES = 128, /* bytes of a name in the table */
};

static const char heap_file[] = "/memfd:java_heap"; /* of ZGC: zPhysicalMemoryBacking_linux.cpp */

/* How an entry is made, all in bytes. */
typedef struct table_layout {
	hc_address table;
	uint64_t stride, type, field, offset, address;
} table_layout;

/* What is looked for. */
typedef struct vm_fields {
	hc_address collected_heap, code_low, code_high; /* addresses of variables */
	uint64_t reserved, start, word_size;		/* offsets: of CollectedHeap, of MemRegion */
	unsigned found;					/* bit for each, in the order of the table below */
} vm_fields;

enum {
	FOUND_HEAP = 1 | 2 | 4 | 8,
	FOUND_CODE = 16 | 32
};

static bool read_variable(
	const hc_runtimes *runtimes, const hc_module *module, const char *name, uint64_t *ret_value)
{
	hc_symbol symbol;

	return hc_module_symbol(runtimes->modules, module, name, &symbol) &&
	       hc_core_read_word(runtimes->core, symbol.address, ret_value);
}

static bool read_layout(const hc_runtimes *runtimes, const hc_module *module, table_layout *ret_layout)
{
	return read_variable(runtimes, module, "gHotSpotVMStructs", &ret_layout->table) &&
	       read_variable(runtimes, module, "gHotSpotVMStructEntryArrayStride", &ret_layout->stride) &&
	       read_variable(runtimes, module, "gHotSpotVMStructEntryTypeNameOffset", &ret_layout->type) &&
	       read_variable(runtimes, module, "gHotSpotVMStructEntryFieldNameOffset", &ret_layout->field) &&
	       read_variable(runtimes, module, "gHotSpotVMStructEntryOffsetOffset", &ret_layout->offset) &&
	       read_variable(runtimes, module, "gHotSpotVMStructEntryAddressOffset", &ret_layout->address) &&
	       ret_layout->table && ret_layout->stride && ret_layout->stride <= STRIDE_MAX;
}

static void look_at_entry(
	const hc_runtimes *runtimes, const table_layout *layout, hc_address entry, const char *type, vm_fields *fields)
{
	const struct {
		const char *type, *field;
		bool is_static;
		uint64_t *value;
	} wanted[] = {
		{ "Universe", "_collectedHeap", true, &fields->collected_heap },
		{ "CollectedHeap", "_reserved", false, &fields->reserved },
		{ "MemRegion", "_start", false, &fields->start },
		{ "MemRegion", "_word_size", false, &fields->word_size },
		{ "CodeCache", "_low_bound", true, &fields->code_low },
		{ "CodeCache", "_high_bound", true, &fields->code_high },
	};
	g_autofree char *field = NULL;

	for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++) {
		if (strcmp(type, wanted[i].type))
			continue;
		if (!field)
			field = hc_core_read_string(
				runtimes->core, hc_runtimes_word(runtimes, entry + layout->field), NAME_BYTES);
		if (!field || strcmp(field, wanted[i].field) ||
			!hc_core_read_word(runtimes->core,
				entry + (wanted[i].is_static ? layout->address : layout->offset), wanted[i].value))
			continue;
		fields->found |= 1u << i;
	}
}

static vm_fields read_fields(const hc_runtimes *runtimes, const table_layout *layout)
{
	vm_fields fields = { 0 };

	for (unsigned i = 0; i < ENTRIES_MAX; i++) {
		hc_address entry = layout->table + i * layout->stride;
		g_autofree char *type = hc_core_read_string(
			runtimes->core, hc_runtimes_word(runtimes, entry + layout->type), NAME_BYTES);

		/* The last one has no names. */
		if (!type || !*type)
			break;
		look_at_entry(runtimes, layout, entry, type, &fields);
	}
	return fields;
}

static void add_heap(hc_runtimes *runtimes, const vm_fields *fields)
{
	hc_address heap = hc_runtimes_word(runtimes, fields->collected_heap),
		   start = heap ? hc_runtimes_word(runtimes, heap + fields->reserved + fields->start) : 0;
	uint64_t words = heap ? hc_runtimes_word(runtimes, heap + fields->reserved + fields->word_size) : 0;

	if (start && words && words <= (UINT64_MAX - start) / runtimes->format.size)
		hc_runtimes_add(
			runtimes, start, start + words * runtimes->format.size, HC_RUNTIME_JAVA, true);
}

static void add_heap_files(hc_runtimes *runtimes)
{
	for (unsigned i = 0; i < hc_core_mapping_count(runtimes->core); i++) {
		const hc_mapping *mapping = hc_core_mapping(runtimes->core, i);

		if (mapping->path && g_str_has_prefix(mapping->path, heap_file))
			hc_runtimes_add(runtimes, mapping->start, mapping->end, HC_RUNTIME_JAVA, true);
	}
}

void hc_runtimes_find_java(hc_runtimes *runtimes)
{
	static const char *const names[] = { "libjvm.so", NULL };
	const hc_module *module = hc_runtimes_module(runtimes, names, NULL);
	table_layout layout;

	if (!module)
		return;
	add_heap_files(runtimes);
	if (!read_layout(runtimes, module, &layout))
		return;
	vm_fields fields = read_fields(runtimes, &layout);

	if ((fields.found & FOUND_HEAP) == FOUND_HEAP)
		add_heap(runtimes, &fields);
	if ((fields.found & FOUND_CODE) == FOUND_CODE)
		hc_runtimes_add(runtimes, hc_runtimes_word(runtimes, fields.code_low),
			hc_runtimes_word(runtimes, fields.code_high), HC_RUNTIME_JAVA_CODE, true);
}
