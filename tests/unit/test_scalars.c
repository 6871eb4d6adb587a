/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers as text: each against what this machine's compiler or printf says of the same bytes. */
#include "program_types/type.h"
#include "values/scalars.h"

#include "unit.h"

#include <float.h>
#include <math.h>
#include <string.h>

static void assert_shown(hc_type_kind kind, const char *name, const void *value, size_t size, const char *expected)
{
	const hc_type type = { .kind = kind, .name = name, .size = size };
	g_autoptr(GString) text = g_string_new("> "), swapped = g_string_new("> ");
	g_autofree char *all = g_strconcat("> ", expected, NULL);
	uint8_t bytes[HC_SCALAR_BYTES_MAX] = { 0 };

	hc_scalar_append(text, &type, value, false);
	UNIT_ASSERT_TEXT(text->str, all);
	if (kind == HC_TYPE_COMPLEX)
		return;
	for (size_t i = 0; i < size; i++)
		bytes[i] = ((const uint8_t *)value)[size - 1 - i];
	hc_scalar_append(swapped, &type, bytes, true);
	UNIT_ASSERT_TEXT(swapped->str, all);
}

static void test_integers(void)
{
	uint8_t zeros[64] = { 0 }, ones[64];
	uint64_t wide[2] = { 0, 1 };

	memset(ones, 0xff, sizeof ones);
	assert_shown(HC_TYPE_SIGNED, "short", ones, 2, "-1");
	assert_shown(HC_TYPE_UNSIGNED, "unsigned short", ones, 2, "65535");
	assert_shown(HC_TYPE_UNSIGNED, "unsigned _BitInt(24)", ones, 3, "16777215");
	assert_shown(HC_TYPE_SIGNED, "__int128", ones, 16, "-1");
	assert_shown(HC_TYPE_SIGNED, "__int128", zeros, 16, "0");
	assert_shown(HC_TYPE_UNSIGNED, "unsigned __int128", wide, 16, "18446744073709551616");
	/* 2 to the power of 512, less one */
	assert_shown(HC_TYPE_UNSIGNED, "unsigned _BitInt(512)", ones, 64,
		"1340780792994259709957402499820584612747936582059239337772356144372176403007354697680187429816690342769003185818"
		"6486050853753882811946569946433649006084095");
	assert_shown(HC_TYPE_BOOL, "bool", "\1", 1, "true");
	assert_shown(HC_TYPE_BOOL, "bool", "\7", 1, "7");
	assert_shown(HC_TYPE_CHAR, "char", "\xfe", 1, "-2");
	assert_shown(HC_TYPE_CHAR, "unsigned char", "a", 1, "97 'a'");
	assert_shown(HC_TYPE_OTHER, "decimal", zeros, 8, "...");
	assert_shown(HC_TYPE_POINTER, "wide pointer", zeros, 16, "...");
}

static void test_floats(void)
{
	static const double doubles[] = { 0.1, 1.0 / 3, DBL_MAX, DBL_MIN, DBL_TRUE_MIN, -1e22, 123456789012345680.0 };
	float single = 0.1f;
	double infinite = -INFINITY;

	for (unsigned i = 0; i < G_N_ELEMENTS(doubles); i++) {
		const hc_type type = { .kind = HC_TYPE_FLOAT, .name = "double", .size = sizeof(double) };
		g_autoptr(GString) text = g_string_new(NULL);

		hc_scalar_append(text, &type, (const uint8_t *)&doubles[i], false);
		CU_ASSERT_TRUE(g_ascii_strtod(text->str, NULL) == doubles[i]);
		CU_ASSERT_TRUE(text->len <= 24);
	}
	assert_shown(HC_TYPE_FLOAT, "float", &single, 4, "0.1");
	assert_shown(HC_TYPE_FLOAT, "double", &infinite, 8, "-inf");
	/* IEEE 754 binary16: 1, the least, the largest, infinity; bfloat16: 1 */
	assert_shown(HC_TYPE_FLOAT, "_Float16", "\x00\x3c", 2, "1");
	assert_shown(HC_TYPE_FLOAT, "_Float16", "\x01\x00", 2, "5.9604645e-08");
	assert_shown(HC_TYPE_FLOAT, "_Float16", "\xff\x7b", 2, "65504");
	assert_shown(HC_TYPE_FLOAT, "_Float16", "\x00\x7c", 2, "inf");
	assert_shown(HC_TYPE_FLOAT, "__bf16", "\x80\x3f", 2, "1");
	assert_shown(HC_TYPE_FLOAT, "short float", "\0\0\0", 3, "...");
}

/* The bytes are those of x87 and of IEEE 754's binary128, on whatever machine this runs. */
static void test_long_floats(void)
{
	static const uint8_t one[16] = { [7] = 0x80, [8] = 0xff, [9] = 0x3f }, zero[16] = { 0 },
			     infinite[16] = { [7] = 0x80, [8] = 0xff, [9] = 0xff },
			     not_a_number[16] = { [7] = 0xc0, [8] = 0xff, [9] = 0x7f },
			     unnormal[16] = { [7] = 0x40, [8] = 0xff, [9] = 0x3f }, denormal[16] = { [0] = 1 },
			     quad[16] = { [13] = 0x40, [14] = 0xff, [15] = 0xbf },
			     quad_infinite[16] = { [14] = 0xff, [15] = 0x7f };

	assert_shown(HC_TYPE_FLOAT, "_Float128", quad, 16, "-1.25");
	assert_shown(HC_TYPE_FLOAT, "__float128", quad_infinite, 16, "inf");
	/* In these the bytes behind the tenth mean nothing. */
	const hc_type type = { .kind = HC_TYPE_FLOAT, .name = "long double", .size = 16 };
	const struct {
		const uint8_t *bytes;
		const char *expected;
	} all[] = { { one, "1" }, { zero, "0" }, { infinite, "-inf" }, { not_a_number, "nan" },
		{ unnormal, "<no valid number>" }, { denormal, "3.64519953188247e-4951" } };

	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
		g_autoptr(GString) text = g_string_new(NULL);

		hc_scalar_append(text, &type, all[i].bytes, false);
		if (all[i].bytes != denormal || LDBL_MANT_DIG >= 64)
			UNIT_ASSERT_TEXT(text->str, all[i].expected);
	}
}

static void test_complex(void)
{
	double parts[2] = { -1.5, -0.0 };
	float singles[2] = { 0.5f, 2 };

	assert_shown(HC_TYPE_COMPLEX, "complex double", parts, sizeof parts, "-1.5 - 0i");
	assert_shown(HC_TYPE_COMPLEX, "complex float", singles, sizeof singles, "0.5 + 2i");
	assert_shown(HC_TYPE_COMPLEX, "complex", parts, 1, "... + ...i");
}

static void test_enums(void)
{
	hc_enumerator rights[] = { { 0, "none" }, { 1, "read" }, { 2, "write" }, { 4, "run" }, { 3, "both" } },
		      colors[] = { { 0, "red" }, { 1, "green" }, { 2, "blue" } }, last[] = { { -1, "last" } };
	const hc_type byte = { .kind = HC_TYPE_UNSIGNED, .name = "unsigned char", .size = 1 };
	hc_type type = {
		.kind = HC_TYPE_ENUM, .name = "rights", .size = 4, .enumerators = rights, .enumerator_count = 5
	};
	static const struct {
		uint64_t value;
		const char *expected;
	} shown[] = { { 0, "none" }, { 3, "both" }, { 5, "read | run" }, { 7, "read | write | run" }, { 8, "8" },
		{ 13, "13" }, { UINT64_MAX, "-1" } };

	for (unsigned i = 0; i < G_N_ELEMENTS(shown); i++) {
		g_autoptr(GString) text = g_string_new(NULL);

		hc_scalar_append_number(text, &type, shown[i].value);
		UNIT_ASSERT_TEXT(text->str, shown[i].expected);
	}
	g_autoptr(GString) color = g_string_new(NULL), number = g_string_new(NULL);

	type.enumerators = colors;
	type.enumerator_count = 3;
	hc_scalar_append_number(color, &type, 3); /* it may as well count */
	UNIT_ASSERT_TEXT(color->str, "3");
	type = (hc_type){ .kind = HC_TYPE_ENUM,
		.name = "n",
		.size = 1,
		.target = &byte,
		.enumerators = last,
		.enumerator_count = 1 };
	hc_scalar_append_number(number, &type, 255);
	hc_scalar_append_number(number, &type, 254);
	UNIT_ASSERT_TEXT(number->str, "last254");
}

int main(void)
{
	static const unit_case cases[] = {
		{ "integers", test_integers },
		{ "floats", test_floats },
		{ "long floats", test_long_floats },
		{ "complex", test_complex },
		{ "enums", test_enums },
	};

	return unit_main("scalars", cases, G_N_ELEMENTS(cases));
}
