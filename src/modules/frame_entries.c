/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries of call frame information: which is an address's, as libdw finds it, and whether it can be given to libdw. frame_entries.h tells
 * what for.
 *
 * Costs: with a table, a search in it, and the two entries that it leads to, once. Without one (gold and lld put .eh_frame_hdr where libdw does
 * not see it) the heads of all entries, once, which libdw is about to read, too. It runs the instructions of nothing but an FDE that covers
 * the address; which one, should some overlap, is not followed: all that do must be sound.
 */
#include "modules/frame_entries.h"

#include <dwarf.h>
#include <string.h>

enum {
	WIDE_LENGTH = 0xffffffff, /* the entry's length and offsets follow with 8 bytes */
	FORMAT = 0x0f,		  /* of an encoding (DW_EH_PE_...) */
	SIZE = 0x07,
	APPLICATION = 0x70,
	FUNCTION_SIZE = 96, /* struct dwarf_fde, and its node in a tree */
	COMMON_SIZE = 320,  /* struct dwarf_cie, its node, and what a table of rules has beside them */
	RULE_SIZE = 16,
	FEWEST_RULES = 64,
	MOST_RUNS = 4096, /* which are looked at one by one; libLLVM has 600 */
};

struct entry {
	bool is_end; /* there is none */
	bool is_common;
	uint64_t next;	 /* where the one behind it begins */
	uint64_t common; /* of an FDE: where its CIE begins */
	hc_frame_cursor rest;
};

/* What is known of a CIE. */
struct common_entry {
	hc_frame_verdict verdict;
	bool is_sized;	  /* its FDEs tell how large what is augmented is */
	uint8_t encoding; /* of its FDEs' addresses */
};

/* ---- one entry ---- */

static hc_frame_cursor cursor_at(const hc_frame_section *section, uint64_t offset)
{
	return (hc_frame_cursor){ section->bytes + offset, section->bytes + section->size, .is_big = section->is_big };
}

/* FALSE: unsound. As dwarf_next_cfi(). */
static bool read_entry(const hc_frame_section *section, uint64_t offset, struct entry *entry)
{
	hc_frame_cursor cursor;
	unsigned size = 4;
	uint64_t length, id, place;

	*entry = (struct entry){ .is_end = true };
	if (offset >= section->size || section->size - offset <= size)
		return true;
	cursor = cursor_at(section, offset);
	length = hc_frame_read(&cursor, size);
	if (length == WIDE_LENGTH) {
		size = 8;
		length = hc_frame_read(&cursor, size);
	}
	if (!length && !cursor.failed)
		return true;
	if (cursor.failed || length < size + 1 || length > (uint64_t)(cursor.end - cursor.at))
		return false;
	cursor.end = cursor.at + length;
	place = (uint64_t)(cursor.at - section->bytes);
	id = hc_frame_read(&cursor, size);
	entry->is_end = false;
	entry->next = place + length;
	entry->rest = cursor;
	entry->common = section->is_debug ? id : place - id;
	entry->is_common = section->is_debug ? id == (size == 8 ? UINT64_MAX : UINT32_MAX) : !id;
	return entry->is_common || section->is_debug || (id <= place && place > size);
}

/* Bytes of what ENCODING tells; 0: not one that is taken. */
static unsigned encoded_size(const hc_frame_section *section, unsigned encoding)
{
	switch (encoding & SIZE) {
	case DW_EH_PE_absptr:
		return section->is_64 ? 8 : 4;
	case DW_EH_PE_udata2:
		return 2;
	case DW_EH_PE_udata4:
		return 4;
	case DW_EH_PE_udata8:
		return 8;
	default:
		return 0;
	}
}

/* Of the addresses of functions: libdw reads some others from where no bounds are looked at. */
static bool is_plain(const hc_frame_section *section, unsigned encoding)
{
	return encoded_size(section, encoding) && (encoding & FORMAT) != DW_EH_PE_signed &&
	       !(encoding & DW_EH_PE_indirect) && (encoding & APPLICATION) <= DW_EH_PE_funcrel;
}

/* ---- what functions have in common ---- */

/* What the letters LETTERS tell of, in DATA: intern_new_cie() reads it without looking at its end. */
static bool read_augmentation(
	const hc_frame_section *section, const char *letters, hc_frame_cursor *data, struct common_entry *common)
{
	for (; *letters && !data->failed; letters++) {
		unsigned encoding;

		switch (*letters) {
		case 'L':
			hc_frame_skip(data, 1);
			break;
		case 'R':
			common->encoding = (uint8_t)hc_frame_read(data, 1);
			break;
		case 'P':
			encoding = (unsigned)hc_frame_read(data, 1);
			if (encoding != DW_EH_PE_omit && !encoded_size(section, encoding))
				return false;
			hc_frame_skip(data, encoding == DW_EH_PE_omit ? 0 : encoded_size(section, encoding));
			break;
		default:
			break;
		}
	}
	return !data->failed;
}

/* Reads on from the augmentation to the instructions. LETTERS end within the entry. */
static bool read_augmented(
	const hc_frame_section *section, const char *letters, hc_frame_cursor *cursor, struct common_entry *common)
{
	hc_frame_cursor data;
	uint64_t size;

	common->is_sized = *letters == 'z';
	if (!common->is_sized) /* letters that tell of data without its size: of none that is in use */
		return !strpbrk(letters, "zLRP") && !g_str_has_prefix(letters, "eh");
	size = hc_frame_read_leb(cursor);
	data = *cursor;
	hc_frame_skip(cursor, size);
	data.end = cursor->at;
	return !cursor->failed && read_augmentation(section, letters + 1, &data, common);
}

static hc_frame_verdict read_common(hc_frame_section *section, hc_frame_cursor cursor, struct common_entry *common)
{
	unsigned version = (unsigned)hc_frame_read(&cursor, 1), registers, size;
	const char *letters = (const char *)cursor.at;
	const uint8_t *end = memchr(cursor.at, '\0', (size_t)(cursor.end - cursor.at));

	common->encoding = DW_EH_PE_absptr;
	if (version != 1 && version != 3 && version != 4)
		return HC_FRAME_NONE;
	if (!end)
		return HC_FRAME_UNSOUND;
	cursor.at = end + 1;
	if (version == 4) {
		size = (unsigned)hc_frame_read(&cursor, 1);
		if (hc_frame_read(&cursor, 1) || size != (section->is_64 ? 8 : 4))
			return cursor.failed ? HC_FRAME_UNSOUND : HC_FRAME_NONE;
	}
	hc_frame_read_leb(&cursor); /* how far the factors reach */
	hc_frame_read_leb(&cursor);
	if (version == 1) /* where the return address is */
		hc_frame_skip(&cursor, 1);
	else
		hc_frame_read_leb(&cursor);
	if (cursor.failed || !read_augmented(section, letters, &cursor, common) ||
		!is_plain(section, common->encoding) ||
		!hc_frame_instructions_are_sound(
			section, &cursor, encoded_size(section, common->encoding), &registers) ||
		!hc_frame_section_take(section, COMMON_SIZE + (uint64_t)MAX(registers, FEWEST_RULES) * RULE_SIZE))
		return HC_FRAME_UNSOUND;
	return HC_FRAME_SOUND;
}

static gpointer key_of(uint64_t offset)
{
	return GSIZE_TO_POINTER((gsize)offset + 1);
}

/* The CIE at OFFSET. */
static const struct common_entry *find_common(hc_frame_section *section, uint64_t offset)
{
	struct common_entry *common = g_hash_table_lookup(section->common, key_of(offset));
	struct entry entry;

	if (common)
		return common;
	common = g_new0(struct common_entry, 1);
	g_hash_table_insert(section->common, key_of(offset), common);
	if (!read_entry(section, offset, &entry) || !hc_frame_section_take(section, sizeof *common))
		common->verdict = HC_FRAME_UNSOUND;
	else if (entry.is_end || !entry.is_common)
		common->verdict = HC_FRAME_NONE;
	else
		common->verdict = read_common(section, entry.rest, common);
	return common;
}

/* ---- a function ---- */

struct function {
	uint64_t offset, start, end; /* of the FDE in the section, and of the code; as libdw has these */
};

/* What is encoded as ENCODING, of SIZE bytes; as read_encoded_value(). */
static uint64_t read_encoded(const hc_frame_section *section, hc_frame_cursor *cursor, unsigned encoding, unsigned size)
{
	uint64_t place = (uint64_t)(cursor->at - section->bytes), value = hc_frame_read(cursor, size);

	if (encoding & DW_EH_PE_signed && size < 8)
		value = (uint64_t)((int64_t)(value << (64 - 8 * size)) >> (64 - 8 * size));
	return (encoding & APPLICATION) == DW_EH_PE_pcrel ? value + place + section->frame_address : value;
}

/* Reads on to the instructions of ENTRY, an FDE. *RET_SIZE: of an address in them. */
static hc_frame_verdict read_function(
	hc_frame_section *section, struct entry *entry, struct function *function, unsigned *ret_size)
{
	const struct common_entry *common;
	hc_frame_cursor *cursor = &entry->rest;

	/* libdw reads what is there: its own arithmetic must not wrap. */
	if (entry->common >= section->size)
		return HC_FRAME_UNSOUND;
	common = find_common(section, entry->common);
	if (common->verdict != HC_FRAME_SOUND)
		return common->verdict;
	*ret_size = encoded_size(section, common->encoding);
	function->start = read_encoded(section, cursor, common->encoding, *ret_size);
	function->end = function->start + read_encoded(section, cursor, common->encoding & FORMAT, *ret_size);
	if (common->is_sized)
		hc_frame_skip(cursor, hc_frame_read_leb(cursor));
	return cursor->failed ? HC_FRAME_UNSOUND : HC_FRAME_SOUND;
}

/* What begins at OFFSET, an FDE. */
static hc_frame_verdict judge_at(hc_frame_section *section, uint64_t offset)
{
	struct entry entry;
	struct function function;
	hc_frame_verdict verdict;
	unsigned size, registers;

	if (offset >= section->size)
		return HC_FRAME_UNSOUND;
	if (g_hash_table_contains(section->functions, key_of(offset)))
		return HC_FRAME_SOUND;
	if (!read_entry(section, offset, &entry) || entry.is_end || entry.is_common)
		return HC_FRAME_UNSOUND;
	verdict = read_function(section, &entry, &function, &size);
	if (verdict != HC_FRAME_SOUND)
		return verdict;
	if (!hc_frame_section_take(section, FUNCTION_SIZE) ||
		!hc_frame_instructions_are_sound(section, &entry.rest, size, &registers))
		return HC_FRAME_UNSOUND;
	g_hash_table_add(section->functions, key_of(offset));
	return HC_FRAME_SOUND;
}

/* ---- which one ---- */

static uint64_t read_from_table(const hc_frame_section *section, uint64_t index)
{
	unsigned size = encoded_size(section, section->table_encoding);
	hc_frame_cursor cursor = { section->table + index * size, section->table + (index + 1) * size,
		.is_big = section->is_big };
	uint64_t value = hc_frame_read(&cursor, size);

	if ((section->table_encoding & FORMAT) == DW_EH_PE_sdata4)
		value = (uint64_t)(int64_t)(int32_t)value;
	return value + section->table_base;
}

/* As binary_search_fde(). FALSE: libdw finds none. */
static bool search_table(const hc_frame_section *section, uint64_t address, uint64_t *ret_offset)
{
	uint64_t low = 0, high = section->table_count;

	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (address < read_from_table(section, 2 * middle)) {
			high = middle;
			continue;
		}
		low = middle + 1;
		if (low == section->table_count || address < read_from_table(section, 2 * low)) {
			*ret_offset = read_from_table(section, 2 * middle + 1) - section->frame_address;
			return true;
		}
	}
	return false;
}

/* ---- without a table ---- */

/* Functions that stand in the section in the order of their code, each behind the one before it. */
struct run {
	unsigned first;
	uint64_t start, end; /* of the code of all of them */
};

static struct run *run_at(const hc_frame_section *section, unsigned index)
{
	return &g_array_index(section->runs, struct run, index);
}

static void add_function(hc_frame_section *section, const struct function *function)
{
	unsigned count = section->runs->len;

	if (!count || function->start < run_at(section, count - 1)->end)
		g_array_append_vals(section->runs, &(struct run){ section->spans->len, function->start, 0 }, 1);
	run_at(section, section->runs->len - 1)->end = function->end;
	g_array_append_vals(section->spans, function, 1);
}

/* The heads of all entries. */
static hc_frame_verdict read_all(hc_frame_section *section)
{
	struct entry entry;

	for (uint64_t offset = 0;; offset = entry.next) {
		struct function function = { .offset = offset };
		hc_frame_verdict verdict;
		unsigned size;

		if (!read_entry(section, offset, &entry))
			return HC_FRAME_UNSOUND;
		if (entry.is_end)
			return HC_FRAME_SOUND;
		verdict = entry.is_common ? find_common(section, offset)->verdict :
					    read_function(section, &entry, &function, &size);
		if (verdict == HC_FRAME_UNSOUND || (verdict == HC_FRAME_SOUND && !entry.is_common &&
							   !hc_frame_section_take(section, FUNCTION_SIZE)))
			return HC_FRAME_UNSOUND;
		/* libdw passes over what tells of no code. */
		if (verdict == HC_FRAME_SOUND && !entry.is_common && function.start < function.end)
			add_function(section, &function);
	}
}

/* The function of run INDEX that covers ADDRESS; NULL: none does. */
static const struct function *search_run(const hc_frame_section *section, unsigned index, uint64_t address)
{
	unsigned low = run_at(section, index)->first;
	unsigned high = index + 1 < section->runs->len ? run_at(section, index + 1)->first : section->spans->len;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		const struct function *function = &g_array_index(section->spans, struct function, middle);

		if (address >= function->start && address < function->end)
			return function;
		if (address < function->start)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static hc_frame_verdict search_runs(hc_frame_section *section, uint64_t address)
{
	hc_frame_verdict all = HC_FRAME_NONE;

	for (unsigned i = 0; i < section->runs->len && all != HC_FRAME_UNSOUND; i++) {
		const struct run *run = run_at(section, i);
		const struct function *function =
			address >= run->start && address < run->end ? search_run(section, i, address) : NULL;
		hc_frame_verdict one = function ? judge_at(section, function->offset) : HC_FRAME_NONE;

		all = one == HC_FRAME_NONE ? all : one;
	}
	return all;
}

static void prepare_search(hc_frame_section *section)
{
	section->spans = g_array_new(FALSE, FALSE, sizeof(struct function));
	section->runs = g_array_new(FALSE, FALSE, sizeof(struct run));
	section->searched = read_all(section);
	if (section->runs->len <= MOST_RUNS)
		return;
	/* In no order that anything writes. */
	for (unsigned i = 0; section->searched == HC_FRAME_SOUND && i < section->spans->len; i++)
		if (judge_at(section, g_array_index(section->spans, struct function, i).offset) == HC_FRAME_UNSOUND)
			section->searched = HC_FRAME_UNSOUND;
}

hc_frame_verdict hc_frame_section_judge(hc_frame_section *section, uint64_t address)
{
	uint64_t offset;

	if (section->table)
		return search_table(section, address, &offset) ? judge_at(section, offset) : HC_FRAME_NONE;
	if (!section->spans)
		prepare_search(section);
	return section->searched == HC_FRAME_SOUND && section->runs->len <= MOST_RUNS ? search_runs(section, address) :
											section->searched;
}

/* ---- where a function begins ---- */

/* The offset of an FDE that may be ADDRESS's. */
static bool find_function(const hc_frame_section *section, uint64_t address, uint64_t *ret_offset)
{
	const struct function *function = NULL;

	if (section->table)
		return search_table(section, address, ret_offset);
	for (unsigned i = 0; section->spans && i < section->runs->len && i < MOST_RUNS && !function; i++)
		function = search_run(section, i, address);
	if (function)
		*ret_offset = function->offset;
	return function != NULL;
}

bool hc_frame_section_find_start(hc_frame_section *section, uint64_t address, uint64_t *ret_start)
{
	struct function function;
	struct entry entry;
	uint64_t offset;
	unsigned size;

	if (hc_frame_section_judge(section, address) != HC_FRAME_SOUND || !find_function(section, address, &offset) ||
		!read_entry(section, offset, &entry) ||
		read_function(section, &entry, &function, &size) != HC_FRAME_SOUND || address < function.start ||
		address >= function.end)
		return false;
	*ret_start = function.start;
	return true;
}

void hc_frame_section_init(hc_frame_section *section, uint64_t *memory)
{
	section->memory = memory;
	section->common = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
	section->functions = g_hash_table_new(g_direct_hash, g_direct_equal);
	section->expressions = g_hash_table_new(g_direct_hash, g_direct_equal);
}

void hc_frame_section_clear(hc_frame_section *section)
{
	g_clear_pointer(&section->spans, g_array_unref);
	g_clear_pointer(&section->runs, g_array_unref);
	g_clear_pointer(&section->common, g_hash_table_unref);
	g_clear_pointer(&section->functions, g_hash_table_unref);
	g_clear_pointer(&section->expressions, g_hash_table_unref);
}
