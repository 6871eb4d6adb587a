/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One instruction at a time, by capstone. It gets ranges that were checked, and a handle for each thread. */
#include "sites/sites.h"
#include "sites/steps.h"

#include <capstone/capstone.h>
#include <elf.h>
#include <glib.h>

struct decoder {
	csh handle;
	cs_insn *instruction;
	unsigned (*make_steps)(size_t handle, const struct cs_insn *instruction, struct step *steps);
	const struct calling *calling;
};

struct decoder *hc_decoder_create(unsigned machine)
{
	bool is_x86 = machine == EM_X86_64;
	struct decoder *decoder;

	if (!is_x86 && machine != EM_AARCH64)
		return NULL;
	decoder = g_new0(struct decoder, 1);
	decoder->make_steps = is_x86 ? hc_steps_of_x86 : hc_steps_of_aarch64;
	decoder->calling = is_x86 ? &hc_calling_x86 : &hc_calling_aarch64;
	if (cs_open(is_x86 ? CS_ARCH_X86 : CS_ARCH_ARM64, is_x86 ? CS_MODE_64 : CS_MODE_ARM, &decoder->handle) !=
		CS_ERR_OK) {
		g_free(decoder);
		return NULL;
	}
	cs_option(decoder->handle, CS_OPT_DETAIL, CS_OPT_ON);
	decoder->instruction = cs_malloc(decoder->handle);
	if (!decoder->instruction) {
		hc_decoder_destroy(decoder);
		return NULL;
	}
	return decoder;
}

void hc_decoder_destroy(struct decoder *decoder)
{
	if (!decoder)
		return;
	if (decoder->instruction)
		cs_free(decoder->instruction, 1);
	cs_close(&decoder->handle);
	g_free(decoder);
}

const struct calling *hc_decoder_calling(const struct decoder *decoder)
{
	return decoder->calling;
}

size_t hc_decode(struct decoder *decoder, const uint8_t *bytes, size_t size, uint32_t offset,
	struct step ret_steps[STEPS_OF_ONE], unsigned *ret_count)
{
	const uint8_t *at = bytes;
	uint64_t address = offset;

	if (!cs_disasm_iter(decoder->handle, &at, &size, &address, decoder->instruction))
		return 0;
	*ret_count = decoder->make_steps(decoder->handle, decoder->instruction, ret_steps);
	for (unsigned i = 0; i < *ret_count; i++) {
		ret_steps[i].at = offset;
		ret_steps[i].next = (uint32_t)address;
	}
	return (size_t)(at - bytes);
}

char *hc_sites_capstone_version(void)
{
	int major, minor;

	cs_version(&major, &minor);
	return g_strdup_printf("%d.%d", major, minor);
}
