/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One program for all that a description wants of an object. */
#include "containers/straight.h"

enum {
	PROGRAMS_MAX = 16
};

bool hc_layout_may_be_straight(const hc_layout *layout)
{
	const hc_description *description = layout->description;
	uint64_t owned, shared, at_most;

	return hc_layout_is_pure(layout) && !layout->through_pointer && !layout->by_pointer && layout->object_size &&
	       !description->memory_count && description->check_count < PROGRAMS_MAX &&
	       hc_layout_program(layout, HC_KEY_COUNT) && hc_layout_is_constant(layout, HC_KEY_OWNED, 1, &owned) &&
	       owned && hc_layout_is_constant(layout, HC_KEY_SHARED, 0, &shared) && !shared &&
	       hc_layout_is_constant(layout, HC_KEY_AT_MOST, 0, &at_most) && !at_most;
}

bool hc_layout_is_constant(const hc_layout *layout, hc_key key, uint64_t otherwise, uint64_t *ret_value)
{
	const hc_program *program = hc_layout_program(layout, key);

	*ret_value = program ? program->value : otherwise;
	return !program || (program->is_constant && program->form != HC_FORM_TYPE);
}

void hc_straight_begin(hc_straight *straight, const hc_layout *layout, hc_reader *reader)
{
	hc_walker_init(&straight->walker, layout, 0, reader, NULL, 0, 0, &straight->walk);
	straight->walker.object_size = layout->object_size;
	straight->walk.is_proved = true;
	straight->code = g_array_new(FALSE, FALSE, sizeof(hc_instruction));
}

static bool is_jump(hc_code code)
{
	return code == HC_CODE_JUMP || code == HC_CODE_JUMP_IF_NOT || code == HC_CODE_AND_THEN ||
	       code == HC_CODE_OR_ELSE;
}

/* Key number INDEX is worked out behind what is worked out so far; LAST: what becomes of it. */
static void append_key(hc_straight *straight, unsigned index, hc_code last)
{
	const hc_program *program = &straight->walker.layout->programs[index];
	unsigned base = straight->code->len;

	for (unsigned i = 0; i < program->length; i++) {
		hc_instruction instruction = program->code[i];

		/* Jumps count from the beginning. */
		if (is_jump(instruction.code))
			instruction.value += base;
		g_array_append_val(straight->code, instruction);
	}
	const hc_instruction end = { .code = last, .value = index };

	g_array_append_val(straight->code, end);
}

/* Whether key number INDEX is a word of the object, which is noted. */
static bool append_word(hc_straight *straight, unsigned index)
{
	const hc_layout *layout = straight->walker.layout;
	const hc_program *program = &layout->programs[index];
	uint64_t size = straight->walker.reader->format.size;

	if (straight->word_count == HC_STRAIGHT_WORDS_MAX || program->length != 1 ||
		program->code->code != HC_CODE_LOAD_THIS || program->code->size != size || layout->object_size < size ||
		program->code->value > layout->object_size - size)
		return false;
	straight->words[straight->word_count++] = (hc_plain_word){ program->code->value, index };
	straight->known |= (uint64_t)1 << index;
	return true;
}

const uint64_t *hc_straight_append(hc_straight *straight, hc_key key, const uint64_t *otherwise)
{
	const hc_layout *layout = straight->walker.layout;
	const hc_program *program = hc_layout_program(layout, key);

	if (!program)
		return otherwise;
	if (program->is_constant)
		return &program->value;
	if (!append_word(straight, layout->description->known[key]))
		append_key(straight, layout->description->known[key], HC_CODE_STORE);
	return &straight->walker.values[layout->description->known[key]];
}

void hc_straight_ready(hc_straight *straight)
{
	const hc_description *description = straight->walker.layout->description;

	for (unsigned i = 0; i < description->check_count; i++)
		append_key(straight, description->checks[i], HC_CODE_REQUIRE);
	straight->program = (hc_program){ .code = (const hc_instruction *)(const void *)straight->code->data,
		.length = straight->code->len };
}

void hc_straight_clear(hc_straight *straight)
{
	if (straight->code)
		g_array_unref(straight->code);
}
