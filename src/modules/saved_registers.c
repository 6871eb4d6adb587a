/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words of frames that are other frames' registers.
 *
 * A function that needs a register which calls keep saves it first: in its own frame, but what it saves is its callers'. Of these the nearest
 * one that has saved that register, too, had it for its own; the others in between left it alone:
 *
 *	run_loop()	saved rbx, and keeps its queue there	<--.
 *	next_event()	does not use rbx				    |
 *	epoll_wait()	saves rbx: its frame has a word that is run_loop()'s
 *
 * Where a frame has saved what, the call frame information tells (DWARF 5, 6.4), relative to its end. If no call further out is known to have
 * saved the register, whose it is is not known.
 */
#include "base/partition.h"
#include "modules/modules_state.h"

#include <dwarf.h>
#include <stdlib.h>

/* A register that a frame has saved. */
struct saved_word {
	hc_address address;
	int frame; /* whose it was */
};

/* Where RULES say that register NUMBER of the caller is, if that is in the frame that ends at END. */
static bool find_saved(Dwarf_Frame *rules, unsigned number, hc_address end, hc_address *ret_address)
{
	Dwarf_Op place[3], *operations = NULL;
	size_t count = 0;

	if (dwarf_frame_register(rules, (int)number, place, &operations, &count) || count != 2 ||
		operations[0].atom != DW_OP_call_frame_cfa || operations[1].atom != DW_OP_plus_uconst)
		return false;
	*ret_address = end + operations[1].number;
	return *ret_address < end;
}

static int compare_words(const void *a, const void *b)
{
	const struct saved_word *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* What the frame with number FRAME has saved of its callers' registers. */
static void add_saved(struct hc_saved_registers *saved, const struct hc_saved_source *source, int number)
{
	const hc_frame *frame = &g_array_index(source->frames, hc_frame, number), *caller = frame + 1;
	hc_address address = frame->program_counter - !frame->is_activation;
	Dwfl_Module *module = dwfl_addrmodule(source->dwfl, address);
	Dwarf_Addr bias;
	bool unsound;
	Dwarf_Frame *rules =
		module ? hc_module_frames_ask(source->module_frames, module, HC_FRAME_EH, address, &bias, &unsound) :
			 NULL;

	for (unsigned i = 0; rules && i < source->machine->dwarf_count; i++) {
		struct saved_word word = { 0, saved->users[i] };

		if (!(source->machine->dwarf_kept >> i & 1) ||
			!find_saved(rules, i, caller->stack_pointer, &word.address))
			continue;
		if (word.frame >= 0)
			g_array_append_val(saved->words, word);
		saved->users[i] = number;
	}
	free(rules);
}

struct hc_saved_registers *hc_saved_registers_create(const struct hc_saved_source *source)
{
	struct hc_saved_registers *saved = g_new(struct hc_saved_registers, 1);

	saved->words = g_array_new(FALSE, FALSE, sizeof(struct saved_word));
	for (unsigned i = 0; i < HC_MACHINE_DWARF_MAX; i++)
		saved->users[i] = -1;
	/* Of the outermost one the end is not known. */
	for (int i = (int)source->frames->len - 2; i >= 0; i--)
		add_saved(saved, source, i);
	g_array_sort(saved->words, compare_words);
	return saved;
}

void hc_saved_registers_destroy(struct hc_saved_registers *saved)
{
	if (!saved)
		return;
	g_array_unref(saved->words);
	g_free(saved);
}

int hc_saved_registers_at(const struct hc_saved_registers *saved, hc_address address)
{
	const struct saved_word *list = (const struct saved_word *)(const void *)saved->words->data;
	unsigned at = HC_PARTITION_POINT(middle, 0u, saved->words->len, list[middle].address < address);

	return at < saved->words->len && list[at].address == address ? list[at].frame : -1;
}
