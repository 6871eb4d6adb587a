/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unwinding a thread's stack by call frame information that the input is: modules/unwind.c with libdwfl, modules/modules.c.
 *
 *	byte 0		bits 0, 1 and 3: which form, see `forms`; bit 2: plain, what follows is the whole section. Else a CIE and an FDE are
 *			made around it. In the last four forms .eh_frame_hdr leads to the FDE, or in a plain section to byte 1
 *	byte 1		how many bytes the CIE's instructions have, which stand behind the stack's words
 *	byte 2		how many words of the stack follow, 8 bytes each; they are repeated as long as there is stack
 *	then		those, then the rest
 */
#include "../unit/frame_builder.h"
#include "fuzz.h"

#include "base/diagnostics.h"
#include "modules/modules.h"

#include <stdlib.h>
#include <sys/resource.h>

enum {
	FORM = 3,
	PLAIN = 4,
	TABLE = 8,
	FRAMES_MAX = 4096,
	FRAMES_TWICE = 64,
	MOST_MEMORY = 512 << 10 /* KiB: of the process; sanitizers have some */
};

static const char path[] = "/program";

static const frame_form forms[] = {
	{ ".eh_frame", false, 1, false },
	{ ".debug_frame", true, 4, false },
	{ ".debug_frame", true, 1, false },
	{ ".eh_frame", false, 3, false },
	{ ".eh_frame", false, 1, true },
	{ ".debug_frame", true, 4, true }, /* a table of another section */
	{ ".debug_frame", true, 3, true },
	{ ".eh_frame", false, 4, true },
};

static void write_program(unsigned flags, unsigned length, fuzz_input rest)
{
	const frame_form *form = &forms[(flags & FORM) + (flags & TABLE) / TABLE * (FORM + 1)];
	fuzz_input first = flags & PLAIN ? (fuzz_input){ 0 } : fuzz_part(&rest, length);
	unsigned function = length;
	g_autoptr(GByteArray) frames =
		flags & PLAIN ? NULL : frame_section(form, first.at, first.left, rest.at, rest.left, &function);
	g_autoptr(GByteArray) image =
		frame_program(form, frames ? frames->data : rest.at, frames ? frames->len : rest.left, function);
	g_autofree char *full = g_strconcat(fuzz_folder(), path, NULL);

	g_assert(g_file_set_contents_full(
		full, (const char *)image->data, image->len, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static void ask(hc_modules *modules)
{
	unsigned count;
	const hc_frame *frames = hc_modules_frames(modules, 0, &count);
	/* They are a second walk: of the same frames. */
	const GArray *registers = count <= FRAMES_TWICE ? hc_modules_frame_registers(modules, 0) : NULL;
	hc_address_name name;
	uint64_t bias;

	fuzz_expect(count <= FRAMES_MAX && (count || !frames), "%u frames", count);
	fuzz_expect(!registers || registers->len <= count, "registers of more frames than there are");
	/* All are in the same program. */
	for (unsigned i = 0; i < MIN(count, FRAMES_TWICE); i++) {
		if (hc_modules_name_frame(modules, &frames[i], &name))
			fuzz_see_text(name.symbol);
		free(hc_modules_frame_rules(modules, HC_FRAME_EH, frames[i].program_counter, &bias));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input input = { data, size }, words;
	unsigned flags = (unsigned)fuzz_number(&input, 1), length = (unsigned)fuzz_number(&input, 1);
	const hc_modules_options options = { .sysroot = fuzz_folder() };
	hc_diagnostics *diagnostics = hc_diagnostics_create();
	core_builder *builder;
	hc_core *core;
	hc_modules *modules;
	struct rusage before, after;

	words = fuzz_part(&input, 8 * fuzz_number(&input, 1));
	getrusage(RUSAGE_SELF, &before);
	write_program(flags, length, input);
	builder = frame_core(path, words.at, words.left);
	core = core_builder_open(builder, diagnostics, NULL);
	g_assert(core);
	modules = hc_modules_open(core, &options, diagnostics, NULL);
	if (modules)
		ask(modules);
	hc_modules_close(modules);
	hc_core_close(core);
	core_builder_destroy(builder);
	hc_diagnostics_destroy(diagnostics);
	getrusage(RUSAGE_SELF, &after);
	fuzz_expect(after.ru_maxrss - before.ru_maxrss < MOST_MEMORY, "%ld KiB", after.ru_maxrss - before.ru_maxrss);
	return 0;
}
