/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much calls ask for, and what is put into what they give: code written by hand, as an assembler makes it. */
#include "sites/contents.h"
#include "unit.h"

#include <elf.h>
#include <string.h>

enum {
	ALLOCATE = 0x1000, /* malloc(size) */
	CLEARED = 0x2000,  /* calloc(count, size) */
	OTHER = 0x3000,	   /* no allocator */
	MAKER = 0x4000,	   /* gives a block of 24 bytes */
	NEVER = 0x5000,	   /* was never called */
	START = 0x100,
};

static const struct allocator allocate = { .name = "malloc", .size = 0, .count = -1, .scale = 1, .gives_result = true };
static const struct allocator cleared = { .name = "calloc", .size = 1, .count = 0, .scale = 1, .gives_result = true };
static const struct allocator maker = {
	.size = -1, .count = -1, .gives_result = true, .is_wrapper = true, .is_maker = true, .makes = 24
};

static bool is_never_called(const void *data, const struct value *callee)
{
	(void)data;
	return callee->kind == VALUE_ADDRESS && callee->add == NEVER;
}

static const struct allocator *find(const void *data, const struct value *callee)
{
	(void)data;
	if (callee->kind != VALUE_ADDRESS)
		return NULL;
	return callee->add == ALLOCATE ? &allocate :
	       callee->add == CLEARED  ? &cleared :
	       callee->add == MAKER    ? &maker :
					 NULL;
}

/* Code under construction. */
struct assembler {
	uint8_t bytes[256];
	uint32_t size;
};

static void put(struct assembler *code, const char *hexadecimal)
{
	for (; *hexadecimal; hexadecimal += 2) {
		if (*hexadecimal == ' ')
			hexadecimal++;
		code->bytes[code->size++] =
			(uint8_t)(g_ascii_xdigit_value(hexadecimal[0]) * 16 + g_ascii_xdigit_value(hexadecimal[1]));
	}
}

/* An x86-64 call (e8) or jump (e9) of TARGET. */
static void go(struct assembler *code, uint8_t opcode, uint32_t target)
{
	int32_t distance = (int32_t)(target - (START + code->size + 5));

	code->bytes[code->size] = opcode;
	memcpy(code->bytes + code->size + 1, &distance, sizeof distance);
	code->size += 5;
}

/* The calls in CODE; free with free_calls(). */
static GArray *run(const struct assembler *code, unsigned machine, struct flow_object *argument)
{
	GArray *calls = g_array_new(FALSE, FALSE, sizeof(struct flow_call));
	struct flow *flow = hc_flow_create(machine);
	struct flow_code one = { .bytes = code->bytes,
		.start = START,
		.end = START + code->size,
		.find = find,
		.is_never_called = is_never_called,
		.is_entered = true };
	uint64_t unread = 0;

	CU_ASSERT_TRUE(hc_flow_run(flow, &one, calls, argument, &unread));
	CU_ASSERT_EQUAL(unread, 0);
	hc_flow_destroy(flow);
	return calls;
}

static void free_calls(GArray *calls)
{
	for (unsigned i = 0; i < calls->len; i++)
		hc_flow_object_clear(&g_array_index(calls, struct flow_call, i).object);
	g_array_unref(calls);
}

/* CODE has one call, which asks for: KIND, SCALE, ADD. */
static void expect_size(const struct assembler *code, unsigned machine, unsigned kind, int64_t scale, int64_t add)
{
	GArray *calls = run(code, machine, NULL);

	CU_ASSERT_EQUAL(calls->len, 1);
	if (calls->len == 1) {
		const struct value *size = &g_array_index(calls, struct flow_call, 0).size;

		CU_ASSERT_EQUAL(size->kind, kind);
		CU_ASSERT_EQUAL(size->add, add);
		if (kind != VALUE_NUMBER)
			CU_ASSERT_EQUAL(size->scale, scale);
	}
	free_calls(calls);
}

static void test_number(void)
{
	struct assembler code = { 0 };

	put(&code, "53 bf18000000"); /* push rbx; mov edi, 24 */
	go(&code, 0xe8, ALLOCATE);
	put(&code, "5b c3");
	expect_size(&code, EM_X86_64, VALUE_NUMBER, 0, 24);
}

static void test_kept_register(void)
{
	struct assembler code = { 0 };

	put(&code, "bb50000000"); /* mov ebx, 80 */
	go(&code, 0xe8, OTHER);
	put(&code, "89df"); /* mov edi, ebx */
	go(&code, 0xe8, ALLOCATE);
	put(&code, "c3");
	expect_size(&code, EM_X86_64, VALUE_NUMBER, 0, 80);
}

/* What a call may change is not known behind it. */
static void test_lost_register(void)
{
	struct assembler code = { 0 };

	put(&code, "bf50000000"); /* mov edi, 80 */
	go(&code, 0xe8, OTHER);
	go(&code, 0xe8, ALLOCATE);
	put(&code, "c3");
	expect_size(&code, EM_X86_64, VALUE_UNKNOWN, 0, 0);
}

static void test_two_ways(void)
{
	struct assembler code = { 0 };

	put(&code, "85f6 bf18000000 7405 bf28000000"); /* test esi, esi; mov edi, 24; je +5; mov edi, 40 */
	go(&code, 0xe8, ALLOCATE);
	put(&code, "c3");
	expect_size(&code, EM_X86_64, VALUE_UNKNOWN, 0, 0);
}

static void test_argument(void)
{
	struct assembler code = { 0 };

	put(&code, "488d7f10"); /* lea rdi, [rdi + 16] */
	go(&code, 0xe9, ALLOCATE);
	expect_size(&code, EM_X86_64, VALUE_ARGUMENT, 1, 16);
}

/* if (!size) size = 1; in front of the jump's target stands what fills the room */
static void test_argument_or_one(void)
{
	struct assembler code = { 0 };

	put(&code, "4885ff b801000000 480f44f8"); /* test rdi, rdi; mov eax, 1; cmove rdi, rax */
	go(&code, 0xe8, ALLOCATE);
	put(&code, "c3");
	expect_size(&code, EM_X86_64, VALUE_ARGUMENT, 1, 0);
}

static void test_padding(void)
{
	struct assembler code = { 0 };

	put(&code, "4885ff 7404 31c0 c3 90"); /* test rdi, rdi; je +4; xor eax, eax; ret; nop */
	go(&code, 0xe9, ALLOCATE);
	expect_size(&code, EM_X86_64, VALUE_ARGUMENT, 1, 0);
}

static void test_multiple(void)
{
	struct assembler code = { 0 };

	put(&code, "488b3e 48c1e704 4883c708"); /* mov rdi, [rsi]; shl rdi, 4; add rdi, 8 */
	go(&code, 0xe8, ALLOCATE);
	put(&code, "c3");
	expect_size(&code, EM_X86_64, VALUE_UNKNOWN, 16, 8);
}

static void test_product(void)
{
	struct assembler code = { 0 };

	put(&code, "be21000000 bf07000000"); /* mov esi, 33; mov edi, 7 */
	go(&code, 0xe8, CLEARED);
	put(&code, "c3");
	expect_size(&code, EM_X86_64, VALUE_NUMBER, 0, 231);
}

/* A word of the stack frame, as code that is not optimised has it. */
static void test_frame(void)
{
	struct assembler code = { 0 };

	put(&code, "55 4889e5 4883ec10 48897df8"); /* push rbp; mov rbp, rsp; sub rsp, 16; mov [rbp - 8], rdi */
	go(&code, 0xe8, OTHER);
	put(&code, "488b7df8"); /* mov rdi, [rbp - 8] */
	go(&code, 0xe8, ALLOCATE);
	put(&code, "c9 c3");
	expect_size(&code, EM_X86_64, VALUE_ARGUMENT, 1, 0);
}

/* The same, but the word's address was handed on. */
static void test_escaped(void)
{
	struct assembler code = { 0 };

	put(&code,
		"55 4889e5 4883ec10 48c745f818000000 488d7df8"); /* ... mov qword [rbp - 8], 24; lea rdi, [rbp - 8] */
	go(&code, 0xe8, OTHER);
	put(&code, "488b7df8");
	go(&code, 0xe8, ALLOCATE);
	put(&code, "c9 c3");
	expect_size(&code, EM_X86_64, VALUE_UNKNOWN, 0, 0);
}

static void test_stores(void)
{
	struct assembler code = { 0 };
	GArray *calls;

	put(&code, "53 bf18000000");
	go(&code, 0xe8, ALLOCATE);
	put(&code,
		"4889c3 c7430834120000 488d05f0000000 488903 4889df"); /* mov dword [rbx + 8], 0x1234; lea rax, [rip + 0xf0]; mov [rbx], rax */
	uint32_t table = START + code.size - 6 + 0xf0;

	go(&code, 0xe8, OTHER); /* with the object as its argument */
	put(&code, "4889d8 5b c3");
	calls = run(&code, EM_X86_64, NULL);
	CU_ASSERT_EQUAL(calls->len, 1);
	if (calls->len == 1) {
		const struct flow_call *call = &g_array_index(calls, struct flow_call, 0);
		const struct flow_store *stores = (const struct flow_store *)(void *)call->object.stores->data;

		CU_ASSERT_TRUE(call->is_returned);
		CU_ASSERT_EQUAL(call->object.stores->len, 2);
		CU_ASSERT_EQUAL(stores[0].offset, 8);
		CU_ASSERT_EQUAL(stores[0].width, 4);
		CU_ASSERT_EQUAL(stores[0].value.add, 0x1234);
		CU_ASSERT_EQUAL(stores[1].offset, 0);
		CU_ASSERT_EQUAL(stores[1].value.kind, VALUE_ADDRESS);
		CU_ASSERT_EQUAL(stores[1].value.add, table);
		CU_ASSERT_EQUAL(call->object.uses->len, 1);
		CU_ASSERT_EQUAL(g_array_index(call->object.uses, struct flow_use, 0).callee.add, OTHER);
	}
	free_calls(calls);
}

/* Of what is not known the width is written down, and what another call has made. */
static void test_kinds_of_stores(void)
{
	struct assembler code = { 0 };
	GArray *calls;

	put(&code, "53 bf18000000");
	go(&code, 0xe8, ALLOCATE);
	put(&code, "4889c3 44897308 4c896b10"); /* mov [rbx + 8], r14d; mov [rbx + 16], r13 */
	go(&code, 0xe8, MAKER);
	put(&code, "488903 48895b10 5b c3"); /* mov [rbx], rax; mov [rbx + 16], rbx */
	calls = run(&code, EM_X86_64, NULL);
	CU_ASSERT_EQUAL(calls->len, 1);
	if (calls->len == 1 && g_array_index(calls, struct flow_call, 0).object.stores->len == 4) {
		const struct flow_call *call = &g_array_index(calls, struct flow_call, 0);
		const struct flow_store *stores = (const struct flow_store *)(void *)call->object.stores->data;

		CU_ASSERT_EQUAL(stores[0].width, 4);
		CU_ASSERT_EQUAL(stores[0].value.kind, VALUE_UNKNOWN);
		CU_ASSERT_EQUAL(stores[1].offset, 16);
		CU_ASSERT_EQUAL(stores[1].width, 8);
		CU_ASSERT_EQUAL(stores[2].value.kind, VALUE_RESULT);
		CU_ASSERT_NOT_EQUAL(stores[2].value.index, call->at);
		CU_ASSERT_EQUAL(stores[2].value.scale, 24);
		CU_ASSERT_EQUAL(stores[3].value.kind, VALUE_RESULT);
		CU_ASSERT_EQUAL(stores[3].value.index, call->at);
	} else
		CU_FAIL("not the stores that are there");
	free_calls(calls);
}

/* Control came to the call in CODE, or never did. */
static void expect_never(const struct assembler *code, bool is_never)
{
	GArray *calls = run(code, EM_X86_64, NULL);

	CU_ASSERT_EQUAL(calls->len, 1);
	if (calls->len == 1)
		CU_ASSERT_EQUAL(g_array_index(calls, struct flow_call, 0).is_never_made, is_never);
	free_calls(calls);
}

static void test_never_made(void)
{
	struct assembler code = { 0 };

	put(&code, "53");
	go(&code, 0xe8, NEVER);
	put(&code, "85c0 7400 bf18000000"); /* both ways lead on from there */
	go(&code, 0xe8, ALLOCATE);
	put(&code, "5b c3");
	expect_never(&code, true);

	code.size = 0;
	put(&code, "53 85ff 7405"); /* around it */
	go(&code, 0xe8, NEVER);
	put(&code, "bf18000000");
	go(&code, 0xe8, ALLOCATE);
	put(&code, "5b c3");
	expect_never(&code, false);

	code.size = 0;
	put(&code, "53");
	go(&code, 0xe8, NEVER);
	put(&code, "bf18000000");
	go(&code, 0xe8, ALLOCATE);
	put(&code, "5b ffe0"); /* a jump of which nobody knows where to */
	expect_never(&code, false);
}

static void expect_gives(uint64_t request, uint64_t usable, bool gives, bool is_larger)
{
	bool larger;

	CU_ASSERT_EQUAL(hc_sites_gives(request, usable, &larger), gives);
	if (gives)
		CU_ASSERT_EQUAL(larger, is_larger);
}

/* malloc.c: a chunk of 96 that is free is not cut for 64 bytes, which need one of 80: 16 are less than MINSIZE. */
static void test_larger_blocks(void)
{
	expect_gives(64, 72, true, false);
	expect_gives(64, 88, true, true);
	expect_gives(64, 104, false, false);
	expect_gives(73, 72, false, false);
	expect_gives(8, 24, true, false);
	expect_gives(24, 40, true, true);
	expect_gives(1 << 18, (1 << 18) + 4080, true, false);
}

static void put_word(struct assembler *code, uint32_t word)
{
	memcpy(code->bytes + code->size, &word, sizeof word);
	code->size += sizeof word;
}

static uint32_t branch_to(const struct assembler *code, uint32_t opcode, uint32_t target)
{
	return opcode | ((target - (START + code->size)) / 4 & 0x3ffffff);
}

static void test_aarch64(void)
{
	struct assembler code = { 0 };

	put_word(&code, 0xa9bf7bfd); /* stp x29, x30, [sp, #-16]! */
	put_word(&code, 0xd2800d00); /* mov x0, #104 */
	put_word(&code, branch_to(&code, 0x94000000, ALLOCATE));
	put_word(&code, 0xa8c17bfd); /* ldp x29, x30, [sp], #16 */
	put_word(&code, 0xd65f03c0); /* ret */
	expect_size(&code, EM_AARCH64, VALUE_NUMBER, 0, 104);

	code.size = 0;
	put_word(&code, 0xd37cec00); /* lsl x0, x0, #4 */
	put_word(&code, 0x91002000); /* add x0, x0, #8 */
	put_word(&code, branch_to(&code, 0x14000000, ALLOCATE));
	expect_size(&code, EM_AARCH64, VALUE_ARGUMENT, 16, 8);
}

/* Any bytes are read to an end. */
static void test_any_bytes(void)
{
	g_autoptr(GRand) random = g_rand_new_with_seed(17);
	struct flow *flows[] = { hc_flow_create(EM_X86_64), hc_flow_create(EM_AARCH64) };

	for (unsigned i = 0; i < 2000; i++) {
		uint8_t bytes[600];
		struct flow_code code = {
			.bytes = bytes, .start = START, .end = START + sizeof bytes, .find = find, .is_entered = true
		};
		GArray *calls = g_array_new(FALSE, FALSE, sizeof(struct flow_call));
		struct flow_object argument;
		uint64_t unread = 0;

		for (unsigned j = 0; j < sizeof bytes; j++)
			bytes[j] = (uint8_t)g_rand_int(random);
		hc_flow_object_init(&argument);
		hc_flow_run(flows[i % 2], &code, calls, &argument, &unread);
		CU_ASSERT_TRUE(unread <= sizeof bytes);
		hc_flow_object_clear(&argument);
		free_calls(calls);
	}
	hc_flow_destroy(flows[0]);
	hc_flow_destroy(flows[1]);
	CU_ASSERT_PTR_NULL(hc_flow_create(EM_386));
}

int main(void)
{
	static const unit_case cases[] = {
		{ "a number", test_number },
		{ "a register that calls keep", test_kept_register },
		{ "a register that calls do not keep", test_lost_register },
		{ "two ways, two numbers", test_two_ways },
		{ "the function's argument, and more", test_argument },
		{ "the argument, but at least 1", test_argument_or_one },
		{ "what fills the room before a jump's target", test_padding },
		{ "a multiple", test_multiple },
		{ "a product", test_product },
		{ "a word of the frame", test_frame },
		{ "a word of the frame that others know", test_escaped },
		{ "what is put into the block", test_stores },
		{ "kinds of what is put there", test_kinds_of_stores },
		{ "a call that was never made", test_never_made },
		{ "blocks that are larger than they have to be", test_larger_blocks },
		{ "aarch64", test_aarch64 },
		{ "any bytes", test_any_bytes },
	};

	return unit_main("flow", cases, G_N_ELEMENTS(cases));
}
