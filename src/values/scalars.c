/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers as text. Of floating point numbers the shortest text is shown that reads back as the same value, so that 0.1 is "0.1" and
 * what differs looks different.
 *
 * Formats: IEEE 754 binary16, 32, 64 and 128; x87's 80 bits (System V ABI for x86-64, 3.1.2: long double, in 16 bytes of which 10
 * count); bfloat16, the upper half of binary32.
 */
#include "values/scalars.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	X87_BYTES = 10,
	X87_BIAS = 16383,
	QUAD_BYTES = 16,
	LIMBS = HC_SCALAR_BYTES_MAX / 4,
	BILLION = 1000000000, /* what decimal digits are taken off by: nine at once */
	FLOAT_TEXT = 64
};

/* ---- integers ---- */

/* Its first bytes, up to eight, as a number. BYTES is least significant first. */
static uint64_t low_word(const uint8_t *bytes, uint64_t size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < MIN(size, 8); i++)
		value |= (uint64_t)bytes[i] << 8 * i;
	return value;
}

static int64_t sign_extend(uint64_t value, uint64_t size)
{
	return size && size < 8 ? (int64_t)(value << (64 - 8 * size)) >> (64 - 8 * size) : (int64_t)value;
}

static uint64_t zero_extend(uint64_t value, uint64_t size)
{
	return size && size < 8 ? value & ((UINT64_C(1) << 8 * size) - 1) : value;
}

/* Of more than 64 bits: nine decimal digits at a time, from the right. */
static void append_wide_integer(GString *text, const uint8_t *bytes, uint64_t size, bool is_signed)
{
	uint32_t limbs[LIMBS] = { 0 };
	bool is_negative = is_signed && bytes[size - 1] & 0x80;
	uint64_t carry = is_negative;
	gsize start = text->len;

	for (unsigned i = 0; i < size; i++)
		limbs[i / 4] |= (uint32_t)(uint8_t)(is_negative ? ~bytes[i] : bytes[i]) << 8 * (i % 4);
	for (unsigned i = 0; i < LIMBS && carry; i++) {
		carry += limbs[i];
		limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
	for (bool more = true; more;) {
		uint64_t rest = 0;

		more = false;
		for (unsigned i = LIMBS; i-- > 0;) {
			rest = rest << 32 | limbs[i];
			limbs[i] = (uint32_t)(rest / BILLION);
			rest %= BILLION;
			more = more || limbs[i];
		}
		g_autofree char *digits = g_strdup_printf(more ? "%09u" : "%u", (unsigned)rest);

		g_string_insert(text, (gssize)start, digits);
	}
	if (is_negative)
		g_string_insert_c(text, (gssize)start, '-');
}

bool hc_scalar_is_signed(const hc_type *type)
{
	const char *name = hc_type_name(type);

	switch (hc_type_get_kind(type)) {
	case HC_TYPE_SIGNED:
		return true;
	case HC_TYPE_ENUM:
		return !hc_type_target(type) || hc_type_get_kind(hc_type_target(type)) == HC_TYPE_ENUM ||
		       hc_scalar_is_signed(hc_type_target(type));
	case HC_TYPE_CHAR: /* char is signed, and so is wchar_t, on the machines that are read; the others are not. */
		return !g_str_has_prefix(name, "unsigned") && !g_str_has_prefix(name, "char8_t") &&
		       !g_str_has_prefix(name, "char16_t") && !g_str_has_prefix(name, "char32_t");
	default:
		return false;
	}
}

static void append_integer(GString *text, uint64_t value, uint64_t size, bool is_signed)
{
	if (is_signed)
		g_string_append_printf(text, "%" PRId64, sign_extend(value, size));
	else
		g_string_append_printf(text, "%" PRIu64, zero_extend(value, size));
}

/*
 * "read | write" of an enum whose enumerators are bits: at least two bits, 0, and combinations of the bits, no others. FALSE, and nothing is
 * appended, if it is none of that sort, or VALUE has other bits. An enum of 0, 1 and 2 may as well count: it needs a third bit.
 */
static bool append_flags(GString *text, const hc_type *type, uint64_t value)
{
	uint64_t size = hc_type_size(type), bits = 0;
	unsigned count = hc_type_enumerator_count(type), shown = 0;
	int64_t number;

	for (unsigned i = 0; i < count; i++) {
		hc_type_enumerator_at(type, i, &number);
		uint64_t bit = zero_extend((uint64_t)number, size);

		bits |= bit & (bit - 1) ? 0 : bit;
	}
	for (unsigned i = 0; i < count; i++) {
		hc_type_enumerator_at(type, i, &number);
		if (zero_extend((uint64_t)number, size) & ~bits)
			return false;
	}
	if (!value || value & ~bits || bits <= 3)
		return false;
	for (unsigned i = 0; i < count; i++) {
		const char *name = hc_type_enumerator_at(type, i, &number);
		uint64_t bit = zero_extend((uint64_t)number, size);

		if (!bit || bit & (bit - 1) || !(value & bit))
			continue;
		g_string_append_printf(text, "%s%s", shown++ ? " | " : "", name);
		value &= ~bit; /* of two names of one bit the first */
	}
	return true;
}

void hc_scalar_append_number(GString *text, const hc_type *type, uint64_t value)
{
	uint64_t size = hc_type_size(type);
	bool is_signed = hc_scalar_is_signed(type);
	const char *name;

	value = zero_extend(value, size);
	switch (hc_type_get_kind(type)) {
	case HC_TYPE_BOOL:
		if (value > 1)
			append_integer(text, value, size, false);
		else
			g_string_append(text, value ? "true" : "false");
		return;
	case HC_TYPE_ENUM:
		name = hc_type_enumerator(type, (int64_t)value);
		if (name)
			g_string_append(text, name);
		else if (!append_flags(text, type, value))
			append_integer(text, value, size, is_signed);
		return;
	case HC_TYPE_CHAR:
		append_integer(text, value, size, is_signed);
		if (value >= ' ' && value < 0x7f)
			g_string_append_printf(text, " '%c'", (char)value);
		return;
	default:
		append_integer(text, value, size, is_signed);
	}
}

/* ---- floating point ---- */

static void append_double(GString *text, double number, int least, int most, bool is_single)
{
	char buffer[FLOAT_TEXT], format[8];

	for (int digits = least; digits <= most; digits++) {
		g_snprintf(format, sizeof format, "%%.%dg", digits);
		g_ascii_formatd(buffer, sizeof buffer, format, number);
		double again = g_ascii_strtod(buffer, NULL);

		if (is_single ? (float)again == (float)number : again == number)
			break;
	}
	g_string_append(text, buffer);
}

/* What is wider than double, as far as this machine's long double tells it. */
static void append_long_double(GString *text, long double number)
{
	const char *point = localeconv()->decimal_point;
	char buffer[FLOAT_TEXT];

	for (int digits = 15; digits <= 21; digits++) {
		g_snprintf(buffer, sizeof buffer, "%.*Lg", digits, number);
		if (strtold(buffer, NULL) == number)
			break;
	}
	char *found = point && *point ? strstr(buffer, point) : NULL;

	if (!found) {
		g_string_append(text, buffer);
		return;
	}
	g_string_append_len(text, buffer, found - buffer);
	g_string_append_c(text, '.');
	g_string_append(text, found + strlen(point));
}

static void append_special(GString *text, bool is_negative, bool is_infinite)
{
	g_string_append_printf(text, "%s%s", is_negative ? "-" : "", is_infinite ? "inf" : "nan");
}

static void append_x87(GString *text, const uint8_t *bytes)
{
	uint64_t mantissa = low_word(bytes, 8);
	unsigned upper = bytes[8] | (unsigned)bytes[9] << 8, exponent = upper & 0x7fff;
	bool is_negative = upper >> 15, is_integer = mantissa >> 63;

	if (exponent && !is_integer) { /* the machine makes none such since the 80387 */
		g_string_append(text, "<no valid number>");
	} else if (exponent == 0x7fff) {
		append_special(text, is_negative, !(mantissa << 1));
	} else {
		long double number = ldexpl((long double)mantissa, (int)MAX(exponent, 1) - X87_BIAS - 63);

		append_long_double(text, is_negative ? -number : number);
	}
}

static void append_quad(GString *text, const uint8_t *bytes)
{
	uint64_t low = low_word(bytes, 8), high = low_word(bytes + 8, 8), fraction = high << 16 >> 16;
	unsigned exponent = high >> 48 & 0x7fff;
	bool is_negative = high >> 63;
	long double number;

	if (exponent == 0x7fff) {
		append_special(text, is_negative, !fraction && !low);
		return;
	}
	fraction |= exponent ? UINT64_C(1) << 48 : 0;
	exponent = MAX(exponent, 1);
	number = ldexpl((long double)fraction, (int)exponent - X87_BIAS - 48) +
		 ldexpl((long double)low, (int)exponent - X87_BIAS - 112);
	append_long_double(text, is_negative ? -number : number);
}

static void append_half(GString *text, unsigned bits)
{
	unsigned exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
	double number;

	if (exponent == 0x1f) {
		append_special(text, bits >> 15, !fraction);
		return;
	}
	number = ldexp(fraction | (exponent ? 0x400 : 0), (int)MAX(exponent, 1) - 25);
	append_double(text, bits >> 15 ? -number : number, 4, 9, true);
}

static void append_single(GString *text, uint32_t bits, int least)
{
	float number;

	memcpy(&number, &bits, sizeof number);
	append_double(text, (double)number, least, 9, true);
}

/* BYTES is least significant first. NAME, of the type, tells formats of one size apart. */
static void append_float(GString *text, const char *name, const uint8_t *bytes, uint64_t size)
{
	uint64_t value = low_word(bytes, size);
	double number;

	if (size == sizeof(uint16_t)) {
		if (strstr(name, "bf16") || strstr(name, "bfloat"))
			append_single(text, (uint32_t)value << 16, 3);
		else
			append_half(text, (unsigned)value);
	} else if (size == sizeof(float)) {
		append_single(text, (uint32_t)value, 6);
	} else if (size == sizeof(double)) {
		memcpy(&number, &value, sizeof number);
		append_double(text, number, 15, 17, false);
	} else if (size >= QUAD_BYTES && strstr(name, "128")) {
		append_quad(text, bytes);
	} else if (size >= X87_BYTES) {
		append_x87(text, bytes);
	} else {
		g_string_append(text, "...");
	}
}

/* "1.5 - 2i": two floating point numbers in a row. */
static void append_complex(GString *text, const char *name, const uint8_t *bytes, uint64_t size)
{
	g_autoptr(GString) imaginary = g_string_new(NULL);
	bool is_negative;

	append_float(text, name, bytes, size / 2);
	append_float(imaginary, name, bytes + size / 2, size / 2);
	is_negative = imaginary->str[0] == '-';
	g_string_append_printf(text, " %c %si", is_negative ? '-' : '+', imaginary->str + is_negative);
}

/* ---- all of them ---- */

void hc_scalar_append(GString *text, const hc_type *type, const uint8_t *bytes, bool big_endian)
{
	uint64_t size = hc_type_size(type), part = size;
	uint8_t ordered[HC_SCALAR_BYTES_MAX];
	hc_type_kind kind = hc_type_get_kind(type);

	if (!size || size > sizeof ordered || kind == HC_TYPE_OTHER) {
		g_string_append(text, "...");
		return;
	}
	if (kind == HC_TYPE_COMPLEX)
		part = MAX(size / 2, 1);
	for (unsigned i = 0; i < size; i++)
		ordered[i] = bytes[big_endian ? i / part * part + part - 1 - i % part : i];
	if (kind == HC_TYPE_FLOAT)
		append_float(text, hc_type_name(type), ordered, size);
	else if (kind == HC_TYPE_COMPLEX)
		append_complex(text, hc_type_name(type), ordered, size);
	else if (size <= 8)
		hc_scalar_append_number(text, type, low_word(ordered, size));
	else if (kind == HC_TYPE_SIGNED || kind == HC_TYPE_UNSIGNED)
		append_wide_integer(text, ordered, size, kind == HC_TYPE_SIGNED);
	else
		g_string_append(text, "...");
}
