/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of a block is its content.
 *
 * malloc gives more room than was asked for, and strings have a capacity: what lies behind the content is left over from somebody else, and
 * differs where the content does not. So of a string's buffer the text up to its NUL counts, and of characters, if malloc would have made the
 * block just as large for these; of one object its own bytes; of any other block all. Where no type says anything, text is likely if the block begins with printable characters and a NUL, and malloc would
 * have made the block just as large for these: a structure that begins with a name can look like that, too, so that is told apart.
 */
#include "duplicates/content.h"

#include <string.h>

enum {
	LEAST_TEXT = 4, /* characters that are likely to be text */
};

bool hc_contents_prepare(hc_duplicates *duplicates)
{
	uint32_t count = duplicates->types ? hc_types_path_count(duplicates->types) : 0;

	duplicates->rules = g_try_new0(hc_path_content, (size_t)count + 1);
	if (!duplicates->rules)
		return false;
	for (uint32_t i = 1; i <= count; i++)
		duplicates->rules[i] = hc_types_path_content(duplicates->types, i);
	return true;
}

static inline bool is_printable(uint8_t byte)
{
	return (byte >= ' ' && byte != 0x7f) || (byte >= '\t' && byte <= '\r');
}

static inline uint64_t load(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof value);
	return value;
}

/* Whether all eight bytes of WORD are printable, and none of them white space but the space: what texts are made of. */
static inline bool are_printable(uint64_t word)
{
	const uint64_t ones = UINT64_MAX / 0xff, highest = ones << 7;
	uint64_t deleted = word ^ ones * 0x7f;

	return !(((word - ones * ' ') & ~word & highest) | ((deleted - ones) & ~deleted & highest));
}

/* Characters of the text that BYTES begin with, if a NUL ends it; else 0. Bytes of other character sets are characters. */
static uint64_t text_length(const uint8_t *bytes, uint64_t size)
{
	uint64_t length = 0;

	while (length < size) {
		if (size - length >= sizeof(uint64_t) && are_printable(load(bytes + length)))
			length += sizeof(uint64_t);
		else if (is_printable(bytes[length]))
			length++;
		else
			break;
	}
	return length < size && !bytes[length] ? length : 0;
}

/* Whether malloc makes a block of SIZE usable bytes when it is asked for REQUEST. */
static bool would_be_made(const hc_blocks *blocks, uint64_t size, uint64_t request)
{
	return hc_least_usable(request, blocks->word, blocks->alignment) == size;
}

hc_content hc_content_of(const hc_duplicates *duplicates, const hc_compared_block *block, const uint8_t *bytes)
{
	uint32_t path = duplicates->types ? hc_types_path_of_block(duplicates->types, block->number) : 0;
	const hc_path_content *rule = &duplicates->rules[path];
	const hc_content whole = { bytes, block->size, HC_COMPARED_WHOLE };
	uint64_t length;

	if (rule->object_size)
		return rule->object_size < block->size &&
				       would_be_made(duplicates->blocks, block->size, rule->object_size) ?
			       (hc_content){ bytes, rule->object_size, HC_COMPARED_OBJECT } :
			       whole;
	length = text_length(bytes, block->size);
	if (length && rule->is_string)
		return (hc_content){ bytes, length, HC_COMPARED_TEXT };
	if (length < (rule->is_characters ? 1 : LEAST_TEXT) ||
		!would_be_made(duplicates->blocks, block->size, length + 1))
		return whole;
	return (hc_content){ bytes, length, rule->is_characters ? HC_COMPARED_TEXT : HC_COMPARED_LIKELY_TEXT };
}

/* ---- the hash ---- */

/* The product of both, folded: each bit of the result depends on all bits. */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static const uint64_t first = UINT64_C(0xa0761d6478bd642f), second = UINT64_C(0xe7037ed1a0b428db);

uint64_t hc_content_hash(const hc_content *content, uint64_t size)
{
	const uint8_t *bytes = content->bytes, *end = bytes + content->length;
	uint64_t a = size ^ first, b = content->length ^ (uint64_t)content->compared << 56 ^ second;

	for (; end - bytes >= 32; bytes += 32) {
		a = mix(a ^ load(bytes), first ^ load(bytes + 8));
		b = mix(b ^ load(bytes + 16), second ^ load(bytes + 24));
	}
	for (; end - bytes >= 8; bytes += 8)
		a = mix(a ^ load(bytes), first);
	if (bytes < end) {
		uint64_t rest = 0;

		memcpy(&rest, bytes, (size_t)(end - bytes));
		b = mix(b ^ rest, second);
	}
	return mix(a ^ first, b ^ second);
}

uint64_t hc_content_fingerprint(const hc_content *content, uint64_t size)
{
	const uint8_t *bytes = content->bytes;
	uint8_t copy[16] = { 0 };
	uint64_t kind = content->length ^ (uint64_t)content->compared << 56;

	if (content->length < sizeof copy)
		bytes = memcpy(copy, bytes, (size_t)content->length);
	uint64_t last = content->length < sizeof copy ? 0 : load(bytes + content->length - sizeof last);

	return mix(mix(load(bytes) ^ size ^ first, load(bytes + 8) ^ kind ^ second) ^ last, second);
}
