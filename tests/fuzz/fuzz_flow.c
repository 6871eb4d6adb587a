/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sites/flow.c with decode.c: what one function does with what it allocates, its code being the input.
 *
 *	byte 0		bits 0 and 1: which machine; 2: the code is entered by calls; 3: what is done with the first argument is asked for; 4: calls
 *			are of no interest; 5 to 7: where the code begins, see `starts`
 *	then		the code
 *
 * A call that leads to an even address is malloc's or calloc's, by the next bit; of words, likewise. Sound is what can be said of any input:
 * calls stand in the code, in its order, and no more bytes are unread than there are.
 */
#include "fuzz.h"

#include "sites/flow.h"

#include <elf.h>
#include <inttypes.h>

enum {
	MACHINE = 3,
	IS_ENTERED = 4,
	ARGUMENT = 8,
	NO_CALLS = 16,
	START_SHIFT = 5
};

static const unsigned machines[] = { EM_X86_64, EM_AARCH64, EM_386, EM_NONE };

static const uint32_t starts[] = { 0x100, 0, 0x7fffff00, 0x80000000, 0xffff0000, 0x1000, 3, 0xfffff000 };

static const struct allocator *find(const void *data, const struct value *callee)
{
	static const struct allocator known[] = {
		{ .name = "malloc", .size = 0, .count = -1, .scale = 1, .gives_result = true },
		{ .name = "calloc", .size = 1, .count = 0, .scale = 1, .gives_result = true },
	};
	uint64_t where = callee->kind == VALUE_WORD ? callee->index / 8 : (uint64_t)callee->add;

	fuzz_expect(callee->kind == VALUE_ADDRESS || callee->kind == VALUE_WORD, "a callee of kind %u", callee->kind);
	fuzz_expect(!data, "another function's data");
	return where & 1 ? NULL : &known[where >> 1 & 1];
}

/* They are read whole. */
static void see_object(const struct flow_object *object)
{
	fuzz_see(object->stores->data, object->stores->len * sizeof(struct flow_store));
	fuzz_see(object->uses->data, object->uses->len * sizeof(struct flow_use));
}

static void see_calls(GArray *calls, const struct flow_code *code)
{
	for (unsigned i = 0; i < calls->len; i++) {
		struct flow_call *call = &g_array_index(calls, struct flow_call, i);

		fuzz_expect(call->at >= code->start && call->at < code->end && call->next > call->at &&
				    call->next <= code->end,
			"a call at %u to %u", call->at, call->next);
		fuzz_expect(
			!i || g_array_index(calls, struct flow_call, i - 1).at < call->at, "calls are not in order");
		fuzz_expect(call->size.kind == VALUE_NUMBER || call->size.kind == VALUE_ARGUMENT ||
				    call->size.kind == VALUE_UNKNOWN,
			"a size of kind %u", call->size.kind);
		see_object(&call->object);
		hc_flow_object_clear(&call->object);
	}
	g_array_unref(calls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct flow *flows[G_N_ELEMENTS(machines)];
	fuzz_input input = { data, size };
	unsigned flags = (unsigned)fuzz_number(&input, 1);
	struct flow **flow = &flows[flags & MACHINE];
	uint32_t start = starts[flags >> START_SHIFT];
	struct flow_code code = { .bytes = input.at,
		.start = start,
		.end = start + (uint32_t)MIN(input.left, UINT32_MAX - start),
		.find = find,
		.is_entered = flags & IS_ENTERED };
	GArray *calls = flags & NO_CALLS ? NULL : g_array_new(FALSE, FALSE, sizeof(struct flow_call));
	struct flow_object argument;
	uint64_t unread = 0;

	if (!*flow)
		*flow = hc_flow_create(machines[flags & MACHINE]);
	hc_flow_object_init(&argument);
	if (*flow && hc_flow_run(*flow, &code, calls, flags & ARGUMENT ? &argument : NULL, &unread))
		fuzz_expect(unread <= input.left, "%" PRIu64 " bytes unread", unread);
	see_object(&argument);
	hc_flow_object_clear(&argument);
	if (calls)
		see_calls(calls, &code);
	return 0;
}
