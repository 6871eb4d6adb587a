/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame_builder.h"

#include "program_builder.h"

#include <string.h>

static const hc_address stack = 0x7ffffffde000;

void frame_append(GByteArray *bytes, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);

		g_byte_array_append(bytes, &byte, 1);
	}
}

void frame_begin_common(GByteArray *bytes, const frame_form *form)
{
	frame_append(bytes, 0, 4);
	frame_append(bytes, form->is_debug ? UINT32_MAX : 0, 4);
	frame_append(bytes, form->version, 1);
	frame_append(bytes, 0, 1); /* no augmentation */
	if (form->version == 4)
		frame_append(bytes, 8, 2); /* sizes of addresses and of segments */
	frame_append(bytes, 1, 1);
	frame_append(bytes, 0x78, 1); /* -8 */
	frame_append(bytes, FRAME_RETURN_ADDRESS, 1);
}

void frame_begin_function(GByteArray *bytes, const frame_form *form, unsigned common)
{
	unsigned start = bytes->len;

	frame_append(bytes, 0, 4);
	frame_append(bytes, form->is_debug ? common : start + 4 - common, 4);
	frame_append(bytes, FRAME_CODE, 8);
	frame_append(bytes, FRAME_CODE_SIZE, 8);
}

void frame_close(GByteArray *bytes, unsigned start)
{
	uint32_t length;

	while ((bytes->len - start) % 8 != 4)
		frame_append(bytes, 0, 1); /* DW_CFA_nop */
	length = bytes->len - start - 4;
	memcpy(bytes->data + start, &length, sizeof length);
}

GByteArray *frame_section(const frame_form *form, const void *first, size_t first_size, const void *others,
	size_t others_size, unsigned *ret_function)
{
	GByteArray *bytes = g_byte_array_new();

	frame_begin_common(bytes, form);
	g_byte_array_append(bytes, first, (unsigned)first_size);
	frame_close(bytes, 0);
	*ret_function = bytes->len;
	frame_begin_function(bytes, form, 0);
	g_byte_array_append(bytes, others, (unsigned)others_size);
	frame_close(bytes, *ret_function);
	if (!form->is_debug)
		frame_append(bytes, 0, 4);
	return bytes;
}

GByteArray *frame_program(const frame_form *form, const void *frames, size_t size, unsigned function)
{
	g_autoptr(GByteArray) table = g_byte_array_new();

	/* Version 1; DW_EH_PE_udata4 of .eh_frame and of the number of entries; DW_EH_PE_datarel | DW_EH_PE_sdata4. */
	frame_append(table, 0x3b030301, 4);
	frame_append(table, 0, 4); /* all sections of the file are at 0 */
	frame_append(table, 1, 4);
	frame_append(table, FRAME_CODE, 4);
	frame_append(table, function, 4);

	const program_section sections[] = {
		{ ".eh_frame_hdr", table->data, table->len },
		{ form->name, frames, size },
	};

	return form->has_table ? program_image_with_sections(sections, 2) :
				 program_image_with_sections(sections + 1, 1);
}

core_builder *frame_core(const char *path, const uint8_t *words, size_t size)
{
	core_builder *builder = core_builder_create(8, false);
	uint8_t *bytes;

	program_map(builder, path);
	bytes = core_builder_add_memory(builder, stack, FRAME_STACK_SIZE, PF_R | PF_W);
	for (size_t i = 0; size && i < FRAME_STACK_SIZE; i++)
		bytes[i] = words[i % size];
	core_builder_add_thread(builder, &(core_thread){ .id = 1,
						 .stack_pointer = stack + 64,
						 .program_counter = program_start + FRAME_CODE + 16,
						 .rbx = stack + 128,
						 .r12 = program_start + FRAME_CODE });
	return builder;
}
