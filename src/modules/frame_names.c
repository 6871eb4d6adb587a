/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What functions of frames are called.
 *
 * Programs are shipped without symbols of their own. Call frame information tells where a function begins, and that is as good as a name:
 * "server+0x10480" is one function in all processes of a program. One of them is known by more: main(), whose address the code that the
 * process begins at (_start of crt1.o: glibc's sysdeps/x86_64/start.S) loads for __libc_start_main(): relative to the instruction, as it is
 * where the program has a fixed place, or from a word of its global offset table. That an operand there is just where a function begins which
 * stands on a stack is no chance.
 *
 * A frame that is as old as its thread holds what the thread works with: main()'s, or the outermost one of the program's own code in a thread
 * that it began.
 */
#include "base/word.h"
#include "modules/modules_state.h"

#include <elf.h>
#include <string.h>

enum {
	ENTRY_CODE = 48, /* bytes of _start that are looked at; it has 34 to 46 */
	OPCODE = 3,
	INSTRUCTION = 7, /* with its operand of 4 bytes */
};

/* ---- main() ---- */

/*
 * What the bytes at AT, the code at ADDRESS, load into rdi, the first argument; 0: they are no such instruction. Others are loaded into rcx and r8
 * by _start of glibc before 2.34: __libc_csu_init() and __libc_csu_fini(), which are on a stack while objects are constructed.
 */
static hc_address first_argument(const hc_core *core, const uint8_t *at, hc_address address)
{
	static const uint8_t relative[] = { 0x48, 0x8d, 0x3d }, fixed[] = { 0x48, 0xc7, 0xc7 },
			     from_table[] = { 0x48, 0x8b, 0x3d }; /* lea, mov, mov */
	int32_t operand;
	uint64_t word;

	memcpy(&operand, at + OPCODE, sizeof operand);
	hc_address distance = (uint64_t)(int64_t)operand, place = address + INSTRUCTION + distance;

	if (!memcmp(at, relative, OPCODE))
		return place;
	if (!memcmp(at, fixed, OPCODE))
		return distance;
	return !memcmp(at, from_table, OPCODE) && hc_core_read_word(core, place, &word) ? word : 0;
}

static bool is_in(const hc_module *module, hc_address address)
{
	return module && address >= module->start && address < module->end;
}

/* The address of main(), if the code that the process begins at tells; else 0. */
static hc_address find_main(const hc_modules *modules)
{
	const hc_process *process = hc_core_process(modules->core);
	const hc_module *executable = hc_modules_executable(modules);
	uint8_t code[ENTRY_CODE];

	if (process->machine_id != EM_X86_64 || !is_in(executable, process->entry) ||
		!hc_core_read(modules->core, process->entry, code, sizeof code))
		return 0;
	for (unsigned i = 0; i + INSTRUCTION <= sizeof code; i++) {
		hc_address found = first_argument(modules->core, code + i, process->entry + i);

		if (is_in(executable, found) && found != process->entry)
			return found;
	}
	return 0;
}

/* Whether FUNCTION, which a frame is of, is the program's main(). */
static bool is_main(hc_modules *modules, hc_address function)
{
	if (!modules->knows_main)
		modules->main = find_main(modules);
	modules->knows_main = true;
	return function && function == modules->main;
}

/* ---- names ---- */

bool hc_modules_name_frame(hc_modules *modules, const hc_frame *frame, hc_address_name *ret_name)
{
	if (!hc_modules_name(modules, frame->program_counter - !frame->is_activation, ret_name))
		return false;
	if (ret_name->symbol) {
		ret_name->offset = 0;
		return true;
	}
	if (is_main(modules, frame->function)) {
		ret_name->symbol = "main";
		ret_name->offset = 0;
		return true;
	}
	/* A return address may be behind the last instruction of its function. */
	hc_address function = frame->function;

	hc_modules_name(modules, frame->program_counter, ret_name);
	if (!ret_name->symbol && function)
		ret_name->function = function - ret_name->module->bias;
	return true;
}

/* ---- which frames last ---- */

/* Whether a thread's calls end at FRAME, the outermost that is known, as they do where none is missing: where a thread, or the process, begins. */
static bool is_beginning(hc_modules *modules, const hc_frame *frame)
{
	const hc_module *module = hc_modules_find(modules, frame->program_counter - !frame->is_activation);

	if (frame->function && frame->function == hc_core_process(modules->core)->entry)
		return true;
	if (module && module != modules->begins_threads && hc_module_defines(modules, module, "clone"))
		modules->begins_threads = module;
	return module && module == modules->begins_threads;
}

static bool is_of_program(const hc_modules *modules, const hc_frame *frame)
{
	const hc_module *executable = hc_modules_executable(modules);

	return executable && frame->function != hc_core_process(modules->core)->entry &&
	       hc_modules_find(modules, frame->program_counter - !frame->is_activation) == executable;
}

void hc_frames_find_lasting(hc_modules *modules, GArray *frames)
{
	hc_frame *all = (hc_frame *)(void *)frames->data;
	unsigned found = frames->len;

	for (unsigned i = frames->len; i-- > 0 && found == frames->len;)
		if (is_main(modules, all[i].function))
			found = i;
	for (unsigned i = frames->len; i-- > 0 && found == frames->len;)
		if (is_of_program(modules, &all[i]))
			found = i;
	if (found < frames->len && is_beginning(modules, &all[frames->len - 1]))
		all[found].is_lasting = true;
}
