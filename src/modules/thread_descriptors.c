/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a word of libc's descriptor of a thread is.
 *
 * libc says where the members are that debuggers want (nptl_db/structs.def), in variables of three 32-bit numbers: bits of a member,
 * how many there are, and bytes from the descriptor on. Of those that it does not say the neighbours are known, and the same in all
 * releases (nptl/descr.h, struct pthread): the argument of the start routine is behind that, and the data of the first keys is in
 * front of the pointers to that of all others, each of which leads to a block for as many keys.
 */
#include "modules/modules_state.h"

enum {
	POINTERS = 32, /* to blocks, the first one too: PTHREAD_KEY_1STLEVEL_SIZE */
	OFFSET_MAX = 1 << 16
};

/* The offset of a member that libc tells by VARIABLE; 0 if it does not. */
static uint32_t read_offset(hc_modules *modules, const hc_module *libc, const char *variable)
{
	uint32_t numbers[3];
	hc_symbol symbol;

	if (!hc_module_symbol(modules, libc, variable, &symbol) ||
		!hc_core_read(modules->core, symbol.address, numbers, sizeof numbers))
		return 0;
	uint32_t offset = hc_core_process(modules->core)->big_endian ? GUINT32_FROM_BE(numbers[2]) :
								       GUINT32_FROM_LE(numbers[2]);

	return offset < OFFSET_MAX ? offset : 0;
}

static void find_members(hc_modules *modules)
{
	modules->has_descriptor = true;
	for (unsigned i = 0; i < modules->list->len; i++) {
		const hc_module *module = hc_modules_get(modules, i);

		if (!hc_module_defines(modules, module, "_thread_db_pthread_specific"))
			continue;
		modules->descriptor_specific = read_offset(modules, module, "_thread_db_pthread_specific");
		modules->descriptor_start = read_offset(modules, module, "_thread_db_pthread_start_routine");
		return;
	}
}

hc_descriptor_part hc_modules_descriptor_part(hc_modules *modules, uint64_t offset, unsigned *ret_key)
{
	unsigned word = hc_core_word_format(modules->core).size;

	if (!modules->has_descriptor)
		find_members(modules);
	/* Of each key: a number, and the pointer. */
	uint64_t keys = 2 * word * HC_DESCRIPTOR_KEYS, pointers = modules->descriptor_specific, first = pointers - keys;

	if (pointers > keys && offset >= first && offset < pointers) {
		*ret_key = (unsigned)((offset - first) / (2 * word));
		return HC_DESCRIPTOR_SPECIFIC;
	}
	if (pointers && offset > pointers && offset < pointers + word * POINTERS) {
		*ret_key = (unsigned)((offset - pointers) / word * HC_DESCRIPTOR_KEYS);
		return HC_DESCRIPTOR_SPECIFIC_BLOCK;
	}
	return modules->descriptor_start && offset == modules->descriptor_start + word ? HC_DESCRIPTOR_ARGUMENT :
											 HC_DESCRIPTOR_OTHER;
}
