/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "patched.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

enum {
	CHANGES_MAX = 4096
};

typedef enum {
	PATCH_SET,	 /* the word is WITH */
	PATCH_ADD,	 /* signed */
	PATCH_FLIP,	 /* the bit WITH */
	PATCH_COPY,	 /* the word numbered WITH of the same range */
	PATCH_LEAD,	 /* to the word numbered WITH */
	PATCH_LEAD_IN,	 /* to the word behind two more: from a chunk to its user memory */
	PATCH_MANGLE,	 /* the same as PATCH_LEAD_IN, as safe-linking has it */
	PATCH_SMALL,	 /* WITH, two bytes */
	PATCH_LEAD_TO,	 /* to the word numbered WITH of the next range */
	PATCH_FILL,	 /* and as many behind it as WITH's lower byte says, with its upper byte */
	PATCH_SMALL_INT, /* its lower half is WITH; the upper half stays */
	PATCH_COUNT,
} patch_kind;

patched_core *patched_core_create(core_builder *builder)
{
	patched_core *core = g_new0(patched_core, 1);

	core->builder = builder;
	core->path = builder->path;
	core->word = 8;
	core->image = core_builder_image(builder);
	core->bytes = mmap(NULL, core->image->len, PROT_READ | PROT_WRITE, MAP_SHARED, builder->descriptor, 0);
	g_assert(core->bytes != MAP_FAILED && !memcmp(core->bytes, core->image->data, core->image->len));
	core->changed = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	return core;
}

/* The file that is compressed at PATH. */
static GByteArray *unpack(const char *path)
{
	g_autofree char *full =
		g_build_filename(g_getenv("HEAPCORE_SRCDIR") ? g_getenv("HEAPCORE_SRCDIR") : ".", path, NULL);
	g_autofree char *packed = NULL;
	GByteArray *image = g_byte_array_new();
	size_t length;

	g_assert(g_file_get_contents(full, &packed, &length, NULL));
	g_byte_array_set_size(image, (unsigned)ZSTD_getFrameContentSize(packed, length));
	g_assert(ZSTD_decompress(image->data, image->len, packed, length) == image->len);
	return image;
}

patched_core *patched_core_open(const char *path)
{
	patched_core *core = g_new0(patched_core, 1);
	int file = memfd_create("heapcore-fuzz-core", MFD_CLOEXEC);
	Elf32_Ehdr header;

	core->image = unpack(path);
	core->path = g_strdup_printf("/proc/self/fd/%d", file);
	core->word = 4;
	g_assert(file >= 0 && !ftruncate(file, core->image->len));
	core->bytes = mmap(NULL, core->image->len, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	g_assert(core->bytes != MAP_FAILED);
	memcpy(core->bytes, core->image->data, core->image->len);
	core->changed = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	memcpy(&header, core->bytes, sizeof header);
	g_assert(header.e_ident[EI_CLASS] == ELFCLASS32);
	for (unsigned i = 0; i < header.e_phnum && core->count < PATCHED_RANGES_MAX; i++) {
		Elf32_Phdr segment;

		memcpy(&segment, core->bytes + header.e_phoff + i * sizeof segment, sizeof segment);
		if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_W) || !segment.p_filesz)
			continue;
		core->starts[core->count] = segment.p_vaddr;
		core->offsets[core->count] = segment.p_offset;
		core->words[core->count++] = segment.p_filesz / core->word;
	}
	return core;
}

void patched_core_add_range(patched_core *core, const core_builder *builder, hc_address start, uint64_t size)
{
	g_assert(core->count < PATCHED_RANGES_MAX);
	for (unsigned i = 0; i < builder->segments->len; i++) {
		const core_segment *segment = &g_array_index(builder->segments, core_segment, i);

		if (start < segment->address || start >= segment->address + segment->dumped)
			continue;
		g_assert(start + size <= segment->address + segment->dumped && start % core->word == 0);
		core->starts[core->count] = start;
		core->offsets[core->count] = segment->offset + (start - segment->address);
		core->words[core->count++] = (unsigned)(size / core->word);
		return;
	}
	g_assert_not_reached();
}

static uint64_t load(const patched_core *core, unsigned range, unsigned word)
{
	uint64_t value = 0; /* as it has it: little end first */

	memcpy(&value, core->bytes + core->offsets[range] + word * core->word, core->word);
	return value;
}

static void store(patched_core *core, unsigned range, unsigned word, uint64_t value)
{
	uint64_t offset = core->offsets[range] + word * core->word;

	memcpy(core->bytes + offset, &value, core->word);
	g_array_append_val(core->changed, offset);
}

static hc_address address_of(const patched_core *core, unsigned range, unsigned word)
{
	return core->starts[range] + (uint64_t)(word % core->words[range]) * core->word;
}

static void change(patched_core *core, fuzz_input *input)
{
	unsigned what = (unsigned)fuzz_number(input, 1), kind = (what & 15) % PATCH_COUNT,
		 range = (what >> 4) % core->count, next = (range + 1) % core->count;
	unsigned word = (unsigned)fuzz_number(input, 2) % core->words[range];
	uint64_t with = fuzz_number(input, kind == PATCH_SET ? core->word : 2), old = load(core, range, word),
		 target = address_of(core, range, (unsigned)with);

	switch (kind) {
	case PATCH_SET:
	case PATCH_SMALL:
		store(core, range, word, with);
		break;
	case PATCH_ADD:
		store(core, range, word, old + (uint64_t)(int64_t)(int16_t)with);
		break;
	case PATCH_FLIP:
		store(core, range, word, old ^ UINT64_C(1) << with % 64);
		break;
	case PATCH_COPY:
		store(core, range, word, load(core, range, (unsigned)with % core->words[range]));
		break;
	case PATCH_LEAD:
		store(core, range, word, target);
		break;
	case PATCH_LEAD_IN:
		store(core, range, word, target + 2 * core->word);
		break;
	case PATCH_MANGLE:
		store(core, range, word, (target + 2 * core->word) ^ address_of(core, range, word) >> 12);
		break;
	case PATCH_LEAD_TO:
		store(core, range, word, address_of(core, next, (unsigned)with));
		break;
	case PATCH_FILL:
		for (unsigned i = 0; i <= (with & 0xff) && word + i < core->words[range]; i++)
			store(core, range, word + i, (with >> 8) * UINT64_C(0x0101010101010101));
		break;
	default:
		store(core, range, word, (old & ~UINT64_C(0xffffffff)) | with);
		break;
	}
}

void patched_core_change(patched_core *core, fuzz_input *input)
{
	for (unsigned i = 0; i < CHANGES_MAX && input->left; i++)
		change(core, input);
}

void patched_core_restore(patched_core *core)
{
	for (unsigned i = 0; i < core->changed->len; i++) {
		uint64_t offset = g_array_index(core->changed, uint64_t, i);

		memcpy(core->bytes + offset, core->image->data + offset, core->word);
	}
	g_array_set_size(core->changed, 0);
}
