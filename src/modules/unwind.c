/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unwinding: which calls a thread was in, and where on its stack each has its frame.
 *
 * libdwfl unwinds by the call frame information (.eh_frame, .debug_frame) of the modules' files;
 * memory and registers come from our core, not from libdwfl's own reader of cores, so that a core
 * that is cut off, compressed or of another root directory makes no difference. One Dwfl holds all
 * modules that have a trusted file, at their places in the process; it is made at the first
 * question, and a thread's frames are kept, also when there are none.
 *
 *	thread's registers --set_registers()--> libdwfl --note_frame() for each frame--> pc, stack pointer
 *				       memory <--read_memory()--'
 *
 * A frame is [its stack pointer, that of its caller): the return address that its call pushed is
 * its own.
 *
 * Frames stay, registers don't: they are ten times as large, and whoever wants them looks at one
 * thread after the other. So they come from a second walk, and only those of the thread that was
 * asked for last are there.
 *
 * The kernel's own code (vdso) has no file; the core holds all of it, which libdwfl is given as one. On
 * i386 every system call is made there, and on all but x86-64 a signal's handler returns there.
 *
 * What can go wrong, and is no failure: where a module has no file the walk ends, because its
 * frames' sizes are not known (libdwfl would guess along frame pointers); a damaged stack that
 * leads in a circle ends at the first place seen twice (Brent's method: no table); and MOST_FRAMES
 * ends a recursion that overflowed the stack. Call frame information that is made up could have libdw fill the memory, read beyond a file and
 * worse: so what there is of a frame is looked through (frame_sections.c) before libdwfl goes on by it, and a walk ends where that is unsound;
 * all do, once seconds went into slow steps.
 */
#include "base/memory.h"
#include "modules/modules_state.h"

#include <dwarf.h>
#include <elf.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	MOST_FRAMES = 4096,	      /* of a thread */
	MOST_FRAMES_IN_ALL = 1 << 19, /* damaged stacks of thousands of threads could go on to that end each */
	MOST_REGISTERS = HC_MACHINE_DWARF_MAX,
	MEASURE_STEPS = 64, /* at most, until time is looked at again */
};

/* Nanoseconds of a processor. */
#define SECOND	     INT64_C(1000000000)
#define SLOW_STEPS   (SECOND / 20) /* MEASURE_STEPS of them: some microseconds each, if no debug info has to be opened */
#define MOST_IN_VAIN (4 * SECOND)  /* for steps that are as slow as that */

static const hc_diagnostic_kind calls_left_out = {
	"calls-left-out",
	HC_SEVERITY_PARTIAL,
	"files are damaged in what tells how calls lie on the stack: the callers from there on, and their variables, are not known",
};

/* What hc_modules keeps. */
struct hc_unwinder {
	hc_modules *modules;
	Dwfl *dwfl; /* NULL: no unwinding here */
	const hc_machine *machine; /* NULL: no unwinding here */
	const hc_thread *current; /* being unwound */
	unsigned frame_count;	  /* of all threads so far */
	struct hc_module_frames *module_frames;
	int64_t in_vain;	  /* nanoseconds of a processor for slow steps */
	GArray **frames;	  /* for each thread, of hc_frame; NULL: not asked for yet */
	struct hc_saved_registers **saved; /* likewise */
	GArray *registers;	  /* of hc_frame_registers, of the frames of one thread; NULL at first */
	unsigned registers_thread;
};

/* ---- libdwfl's callbacks ---- */

static pid_t next_thread(Dwfl *dwfl, void *data, void **thread_data)
{
	(void)dwfl, (void)data, (void)thread_data;
	return 0; /* threads are asked for one by one */
}

/* Threads are numbered from 1: kernel's ids may be 0 or there twice in a damaged core. */
static bool get_thread(Dwfl *dwfl, pid_t number, void *data, void **thread_data)
{
	struct hc_unwinder *unwinder = data;

	(void)dwfl;
	unwinder->current = hc_core_thread(unwinder->modules->core, number - 1);
	*thread_data = unwinder;
	return unwinder->current != NULL;
}

static bool is_code(const hc_modules *modules, hc_address address)
{
	const hc_module *module = hc_modules_find(modules, address);

	for (unsigned i = 0; module && i < hc_module_segment_count(modules, module); i++) {
		const hc_module_segment *segment = hc_module_segment_get(modules, module, i);

		if (segment->type == PT_LOAD && segment->flags & PF_X && address >= segment->start &&
			address < segment->end)
			return true;
	}
	return false;
}

/*
 * A return address that the function has signed in front of keeping it (Arm ARM, pointer authentication): the bits above the address are
 * the signature. What leads into code without them was one; libdwfl (elfutils 0.188) takes words as they stand.
 */
static uint64_t without_signature(const struct hc_unwinder *unwinder, uint64_t word)
{
	unsigned bits = unwinder->machine->signed_bits;
	uint64_t address = bits ? word & ((UINT64_C(1) << bits) - 1) : word;

	return address != word && is_code(unwinder->modules, address) ? address : word;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *value, void *data)
{
	struct hc_unwinder *unwinder = data;
	uint64_t word;

	(void)dwfl;
	if (!hc_core_read_word(unwinder->modules->core, address, &word))
		return false;
	*value = without_signature(unwinder, word);
	return true;
}

static bool set_registers(Dwfl_Thread *dwfl_thread, void *thread_data)
{
	const struct hc_unwinder *unwinder = thread_data;
	const hc_machine *machine = unwinder->machine;
	const hc_thread *thread = unwinder->current;
	Dwarf_Word values[MOST_REGISTERS];

	for (unsigned i = 0; i < machine->dwarf_count; i++)
		values[i] = thread->registers[machine->dwarf_registers[i]];
	if (!dwfl_thread_state_registers(dwfl_thread, 0, machine->dwarf_count, values))
		return false;
	dwfl_thread_state_register_pc(dwfl_thread, thread->program_counter);
	return true;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

/* ---- frames ---- */

struct walk {
	struct hc_unwinder *unwinder;
	GArray *frames;
	GArray *registers; /* NULL: not wanted */
	unsigned limit;	   /* frames; at least 1 */
	hc_frame seen;	   /* Brent: compared with each frame that comes, replaced at every power of two */
	unsigned replace_at;
	bool is_interrupted,
		may_be_interrupted; /* the next frame, by a signal: as libdwfl takes it; or that is not known */
	int64_t measured; /* processor_time(), 0 at first */
	unsigned measure_at;
};

static bool is_circle(struct walk *walk, const hc_frame *frame)
{
	if (walk->frames->len && walk->seen.program_counter == frame->program_counter &&
		walk->seen.stack_pointer == frame->stack_pointer)
		return true;
	if (walk->frames->len == walk->replace_at) {
		walk->seen = *frame;
		walk->replace_at = walk->replace_at ? walk->replace_at * 2 : 1;
	}
	return false;
}

/* What MODULE has of the frame at ADDRESS, which libdwfl would go on by; NULL: nothing, or *RET_UNSOUND. Free with free(). */
static Dwarf_Frame *ask_module(
	const struct hc_unwinder *unwinder, Dwfl_Module *module, hc_address address, bool *ret_unsound)
{
	Dwarf_Addr bias;
	Dwarf_Frame *frame =
		hc_module_frames_ask(unwinder->module_frames, module, HC_FRAME_EH, address, &bias, ret_unsound);

	/* Debug info is opened only where libdwfl will do so, too. */
	if (!frame && !*ret_unsound)
		frame = hc_module_frames_ask(
			unwinder->module_frames, module, HC_FRAME_DEBUG, address, &bias, ret_unsound);
	return frame;
}

/* What the call frame information has of the frame of REGISTERS; NULL: nothing. Free with free(). */
static Dwarf_Frame *find_rules(const struct walk *walk, const hc_frame_registers *registers)
{
	hc_address address = registers->program_counter - !registers->is_activation;
	Dwfl_Module *module = dwfl_addrmodule(walk->unwinder->dwfl, address);
	bool unsound;

	return module ? ask_module(walk->unwinder, module, address, &unsound) : NULL;
}

static int64_t processor_time(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

static void note_left_out(const struct walk *walk, Dwfl_Module *module)
{
	struct hc_unwinder *unwinder = walk->unwinder;

	if (!walk->registers) /* or it would be told of each walk anew */
		hc_diagnostics_add(unwinder->modules->diagnostics, &calls_left_out, 0, "%s, of thread %" PRId64,
			dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL), unwinder->current->id);
}

/* Whether libdwfl may look for the caller of what stands at ADDRESS; adds to what is known of that frame. */
static bool may_look_at(struct walk *walk, hc_address address)
{
	struct hc_unwinder *unwinder = walk->unwinder;
	Dwfl_Module *module = dwfl_addrmodule(unwinder->dwfl, address);
	bool unsound = false, is_signal = false;
	Dwarf_Frame *rules = module ? ask_module(unwinder, module, address, &unsound) : NULL;

	if (rules)
		dwarf_frame_info(rules, NULL, NULL, &is_signal);
	walk->is_interrupted |= is_signal;
	walk->may_be_interrupted |= !rules;
	free(rules);
	unsound |= module && unwinder->in_vain >= MOST_IN_VAIN;
	if (unsound)
		note_left_out(walk, module);
	return !unsound;
}

/*
 * Whether libdwfl may look for the caller of the frame at COUNTER. It does so from the call in front of COUNTER, or from COUNTER itself if
 * there was no call, but a signal: which is what the rules of the frame before this one said.
 */
static bool may_go_on(struct walk *walk, hc_address counter)
{
	bool at_call = walk->frames->len && !walk->is_interrupted;
	bool at_counter = !at_call || walk->may_be_interrupted;

	walk->is_interrupted = walk->may_be_interrupted = false;
	if (!dwfl_addrmodule(walk->unwinder->dwfl, counter - at_call))
		return false;
	return (!at_call || may_look_at(walk, counter - 1)) && (!at_counter || may_look_at(walk, counter));
}

/*
 * Whether the call frame information of the frame of REGISTERS says nothing of register NUMBER of
 * its caller (or that it is lost, which is not told apart, but is said of no register that a call
 * keeps).
 */
static bool is_left_to_abi(const struct walk *walk, const hc_frame_registers *registers, unsigned number)
{
	Dwarf_Frame *frame = find_rules(walk, registers);
	Dwarf_Op place[3], *operations = NULL;
	size_t count = 0;
	bool found = frame && !dwarf_frame_register(frame, (int)number, place, &operations, &count) && !count;

	free(frame);
	return found;
}

/*
 * Where aarch64 says that the return address is signed (DW_CFA_AARCH64_negate_ra_state) elfutils 0.188 reads what that number means on
 * SPARC: registers are kept in the caller's frame, from the CFA upwards. No function keeps any there.
 */
static bool is_kept_above(const struct walk *walk, const hc_frame_registers *registers, unsigned number)
{
	Dwarf_Frame *frame = find_rules(walk, registers);
	Dwarf_Op place[3], *operations = NULL;
	size_t count = 0;
	bool above = frame && !dwarf_frame_register(frame, (int)number, place, &operations, &count) && count == 2 &&
		     operations[0].atom == DW_OP_call_frame_cfa && operations[1].atom == DW_OP_plus_uconst &&
		     (int64_t)operations[1].number >= 0;

	free(frame);
	return above;
}

/*
 * libdwfl has its own table of the registers that a call keeps. That of x86-64 names rax where rbx
 * is meant (backends/x86_64_cfi.c, elfutils 0.188): so it loses rbx, and takes what rax is now for
 * what it was then.
 */
static void correct_registers(const struct walk *walk, hc_frame_registers *registers)
{
	uint32_t kept = walk->unwinder->machine->dwarf_kept;
	const hc_frame_registers *callee =
		walk->registers->len ? &g_array_index(walk->registers, hc_frame_registers, walk->registers->len - 1) :
				       NULL;

	/* An interrupted frame has all its registers from the kernel. */
	if (!kept || !callee || registers->is_activation)
		return;
	registers->valid &= kept | UINT32_C(1) << walk->unwinder->machine->dwarf_stack_pointer;
	for (unsigned i = 0; i < walk->unwinder->machine->dwarf_count; i++) {
		uint32_t bit = UINT32_C(1) << i;

		if (kept & bit && registers->valid & bit && walk->unwinder->machine->signed_bits &&
			is_kept_above(walk, callee, i))
			registers->valid &= ~bit;
		else if (!(kept & bit) || registers->valid & bit || !is_left_to_abi(walk, callee, i))
			continue;
		if (!(callee->valid & bit))
			continue;
		registers->values[i] = callee->values[i];
		registers->valid |= bit;
	}
}

static void note_registers(struct walk *walk, Dwfl_Frame *dwfl_frame, const hc_frame *frame)
{
	hc_frame_registers registers = { .program_counter = frame->program_counter,
		.is_activation = frame->is_activation };

	for (unsigned i = 0; i < walk->unwinder->machine->dwarf_count; i++) {
		Dwarf_Word value;

		if (dwfl_frame_reg(dwfl_frame, i, &value))
			continue;
		registers.values[i] = value;
		registers.valid |= UINT32_C(1) << i;
	}
	correct_registers(walk, &registers);
	g_array_append_val(walk->registers, registers);
}

/* What unwinding takes of a processor, looked at ever so often: that is a call of the system. */
static void note_time(struct walk *walk)
{
	unsigned frames = walk->frames->len;
	int64_t now, took;

	if (frames < walk->measure_at)
		return;
	now = processor_time();
	took = walk->measured ? now - walk->measured : 0;
	if (took > SLOW_STEPS)
		walk->unwinder->in_vain += took;
	walk->measured = now;
	walk->measure_at = frames + CLAMP(frames, 1, MEASURE_STEPS);
}

static int note_frame(Dwfl_Frame *dwfl_frame, void *data)
{
	struct walk *walk = data;
	struct hc_unwinder *unwinder = walk->unwinder;
	hc_frame frame = { 0 };
	Dwarf_Addr counter;
	Dwarf_Word stack_pointer;
	bool goes_on;

	note_time(walk);
	/* Without the question whether there was a call: to answer it, libdwfl looks for the caller. */
	if (!dwfl_frame_pc(dwfl_frame, &counter, NULL))
		return DWARF_CB_ABORT;
	frame.program_counter = counter;
	frame.is_activation = !walk->frames->len || walk->is_interrupted;
	if (!dwfl_frame_reg(dwfl_frame, unwinder->machine->dwarf_stack_pointer, &stack_pointer))
		frame.stack_pointer = stack_pointer;
	/*
	 * Zero is where libdwfl has gone past the outermost frame of a thread that has no end mark.
	 */
	if (!counter || is_circle(walk, &frame))
		return DWARF_CB_ABORT;
	goes_on = may_go_on(walk, counter) && dwfl_frame_pc(dwfl_frame, &counter, &frame.is_activation);
	g_array_append_val(walk->frames, frame);
	if (walk->registers)
		note_registers(walk, dwfl_frame, &frame);
	return goes_on && walk->frames->len < walk->limit ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* A file without a name that holds what the core has of the vdso: a descriptor, or -1. */
static int copy_vdso(const hc_modules *modules, const struct module *module)
{
	enum {
		VDSO_MOST = 1 << 20
	};
	hc_address start = module->public.start;
	uint64_t size = 0;
	const uint8_t *bytes = hc_core_bytes(modules->core, start, &size);
	const hc_mapping *mapping = hc_core_find_mapping(modules->core, start);
	int file;

	size = bytes ? MIN(MIN(size, mapping->end - start), VDSO_MOST) : 0;
	file = size ? memfd_create("heapcore-vdso", MFD_CLOEXEC) : -1;
	if (file >= 0 && write(file, bytes, size) != (ssize_t)size) {
		close(file);
		return -1;
	}
	return file;
}

/* libdwfl closes the descriptor, if it takes the module. */
static bool report_vdso(const hc_modules *modules, Dwfl *dwfl, const struct module *module)
{
	int file = copy_vdso(modules, module);
	bool reported = file >= 0 &&
			dwfl_report_elf(dwfl, module->name, module->name, file, module->public.bias, true) != NULL;

	if (file >= 0 && !reported)
		close(file);
	return reported;
}

/* NULL if there is nothing to unwind with. */
static Dwfl *open_all(struct hc_unwinder *unwinder)
{
	hc_modules *modules = unwinder->modules;
	Dwfl *dwfl = dwfl_begin(&modules->callbacks);
	unsigned reported = 0;

	if (!dwfl)
		hc_memory_end();
	dwfl_report_begin(dwfl);
	for (unsigned i = 0; i < modules->list->len; i++) {
		const struct module *module = modules->list->pdata[i];

		if (module->public.is_vdso)
			report_vdso(modules, dwfl, module);
		else if (module->mapped &&
			 dwfl_report_elf(dwfl, module->name, module->file, -1, module->public.bias, true))
			reported++;
	}
	if (!dwfl_report_end(dwfl, NULL, NULL) && reported &&
		dwfl_attach_state(dwfl, NULL, MAX(hc_core_process(modules->core)->pid, 1), &thread_callbacks, unwinder))
		return dwfl;
	hc_memory_end_if_out(0);
	dwfl_end(dwfl);
	return NULL;
}

static struct hc_unwinder *unwinder_create(hc_modules *modules)
{
	struct hc_unwinder *unwinder = g_new0(struct hc_unwinder, 1);

	unwinder->modules = modules;
	unwinder->frames = g_new0(GArray *, hc_core_thread_count(modules->core) + 1);
	unwinder->saved = g_new0(struct hc_saved_registers *, hc_core_thread_count(modules->core) + 1);
	unwinder->machine = hc_core_machine(modules->core);
	unwinder->module_frames = hc_module_frames_create();
	if (unwinder->machine && unwinder->machine->dwarf_count)
		unwinder->dwfl = open_all(unwinder);
	return unwinder;
}

void hc_unwinder_destroy(struct hc_unwinder *unwinder, unsigned thread_count)
{
	if (!unwinder)
		return;
	for (unsigned i = 0; i < thread_count; i++) {
		g_clear_pointer(&unwinder->frames[i], g_array_unref);
		g_clear_pointer(&unwinder->saved[i], hc_saved_registers_destroy);
	}
	g_clear_pointer(&unwinder->registers, g_array_unref);
	hc_module_frames_destroy(unwinder->module_frames);
	g_clear_pointer(&unwinder->dwfl, dwfl_end);
	g_free(unwinder->frames);
	g_free(unwinder->saved);
	g_free(unwinder);
}

/* Where the functions of FRAMES begin. */
static void find_starts(const struct hc_unwinder *unwinder, GArray *frames)
{
	for (unsigned i = 0; i < frames->len; i++) {
		hc_frame *frame = &g_array_index(frames, hc_frame, i);
		hc_address address = frame->program_counter - !frame->is_activation;
		Dwfl_Module *module = dwfl_addrmodule(unwinder->dwfl, address);

		if (module)
			frame->function = hc_module_frames_start(unwinder->module_frames, module, address);
	}
}

const hc_frame *hc_modules_frames(hc_modules *modules, unsigned thread_index, unsigned *ret_count)
{
	*ret_count = 0;
	if (thread_index >= hc_core_thread_count(modules->core))
		return NULL;
	if (!modules->unwinder)
		modules->unwinder = unwinder_create(modules);
	GArray **frames = &modules->unwinder->frames[thread_index];

	if (!*frames) {
		struct hc_unwinder *unwinder = modules->unwinder;
		struct walk walk = { .unwinder = unwinder,
			.frames = g_array_new(FALSE, FALSE, sizeof(hc_frame)),
			.limit = MIN(MOST_FRAMES, MOST_FRAMES_IN_ALL - unwinder->frame_count) };

		*frames = walk.frames;
		/*
		 * An error is how a walk ends where there is nothing to unwind by: what came before
		 * it stands, unless there was no memory to read what it unwinds by.
		 */
		if (unwinder->dwfl && walk.limit &&
			dwfl_getthread_frames(unwinder->dwfl, thread_index + 1, note_frame, &walk) < 0)
			hc_memory_end_if_out(0);
		find_starts(unwinder, walk.frames);
		hc_frames_find_lasting(modules, walk.frames);
		unwinder->frame_count += walk.frames->len;
	}
	*ret_count = (*frames)->len;
	return (*frames)->len ? &g_array_index(*frames, hc_frame, 0) : NULL;
}

/* NULL: the thread has no frames. */
static const struct hc_saved_registers *saved_of(hc_modules *modules, unsigned thread_index)
{
	unsigned count;

	hc_modules_frames(modules, thread_index, &count);
	if (!count)
		return NULL;
	struct hc_unwinder *unwinder = modules->unwinder;
	struct hc_saved_registers **saved = &unwinder->saved[thread_index];

	if (!*saved)
		*saved = hc_saved_registers_create(&(struct hc_saved_source){
			unwinder->dwfl, unwinder->machine, unwinder->module_frames, unwinder->frames[thread_index] });
	return *saved;
}

int hc_modules_saved_register_at(hc_modules *modules, unsigned thread_index, hc_address address)
{
	const struct hc_saved_registers *saved = saved_of(modules, thread_index);

	return saved ? hc_saved_registers_at(saved, address) : -1;
}

int hc_modules_frame_of_register(hc_modules *modules, unsigned thread_index, uint64_t value)
{
	const struct hc_saved_registers *saved = saved_of(modules, thread_index);
	const hc_thread *thread = hc_core_thread(modules->core, thread_index);
	int found = -1;

	for (unsigned i = 0; saved && i < modules->unwinder->machine->dwarf_count; i++)
		if (thread->registers[modules->unwinder->machine->dwarf_registers[i]] == value)
			found = MAX(found, saved->users[i]);
	return found;
}

const GArray *hc_modules_frame_registers(hc_modules *modules, unsigned thread_index)
{
	struct walk walk = { 0 };

	hc_modules_frames(modules, thread_index, &walk.limit);
	struct hc_unwinder *unwinder = modules->unwinder;

	if (!walk.limit)
		return NULL;
	if (unwinder->registers && unwinder->registers_thread == thread_index)
		return unwinder->registers;
	g_autoptr(GArray) frames = g_array_new(FALSE, FALSE, sizeof(hc_frame));

	g_clear_pointer(&unwinder->registers, g_array_unref);
	unwinder->registers = g_array_new(FALSE, FALSE, sizeof(hc_frame_registers));
	unwinder->registers_thread = thread_index;
	walk.unwinder = unwinder;
	walk.frames = frames;
	walk.registers = unwinder->registers;
	dwfl_getthread_frames(unwinder->dwfl, thread_index + 1, note_frame, &walk);
	return unwinder->registers;
}

Dwarf_Frame *hc_modules_frame_rules(hc_modules *modules, hc_frame_source source, hc_address address, uint64_t *ret_bias)
{
	struct hc_unwinder *unwinder = modules->unwinder;
	Dwfl_Module *module = unwinder && unwinder->dwfl ? dwfl_addrmodule(unwinder->dwfl, address) : NULL;
	bool unsound;

	return module ? hc_module_frames_ask(unwinder->module_frames, module, source, address, ret_bias, &unsound) :
			NULL;
}
