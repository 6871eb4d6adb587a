/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF headers of either word size and byte order, from bytes: of a core, of a file, or of a file's first page in a core. */
#pragma once

#include "base/word.h"

/* The ELF header as it stands in the file: a count that did not fit is PN_XNUM (elf(5)). */
typedef struct hc_elf_header {
	uint16_t type, machine;
	uint64_t entry;		     /* address */
	uint64_t segments, sections; /* offsets of the tables */
	uint16_t segment_size, segment_count, section_count;
} hc_elf_header;

/* A program header. */
typedef struct hc_elf_segment {
	uint32_t type, flags;
	uint64_t offset, address, file_size, memory_size, alignment;
} hc_elf_segment;

/* How many bytes the header, and each program header, has. */
unsigned hc_elf_header_size(hc_word_format format);
unsigned hc_elf_segment_size(hc_word_format format);

/* Both read that many bytes. */
hc_elf_header hc_elf_load_header(const uint8_t *bytes, hc_word_format format);
hc_elf_segment hc_elf_load_segment(const uint8_t *bytes, hc_word_format format);
