/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/elf_headers.h"

#include <elf.h>
#include <stddef.h>

/* Member NAME of Elf64_TYPE or Elf32_TYPE in `bytes`. */
#define MEMBER(type, name) \
	(format.size == 8 ? hc_load_unsigned(bytes + offsetof(Elf64_##type, name), sizeof(((Elf64_##type *)0)->name), \
				    format.swap) : \
			    hc_load_unsigned(bytes + offsetof(Elf32_##type, name), sizeof(((Elf32_##type *)0)->name), \
				    format.swap))

unsigned hc_elf_header_size(hc_word_format format)
{
	return format.size == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

unsigned hc_elf_segment_size(hc_word_format format)
{
	return format.size == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

hc_elf_header hc_elf_load_header(const uint8_t *bytes, hc_word_format format)
{
	return (hc_elf_header){
		.type = (uint16_t)MEMBER(Ehdr, e_type),
		.machine = (uint16_t)MEMBER(Ehdr, e_machine),
		.entry = MEMBER(Ehdr, e_entry),
		.segments = MEMBER(Ehdr, e_phoff),
		.sections = MEMBER(Ehdr, e_shoff),
		.segment_size = (uint16_t)MEMBER(Ehdr, e_phentsize),
		.segment_count = (uint16_t)MEMBER(Ehdr, e_phnum),
		.section_count = (uint16_t)MEMBER(Ehdr, e_shnum),
	};
}

hc_elf_segment hc_elf_load_segment(const uint8_t *bytes, hc_word_format format)
{
	return (hc_elf_segment){
		.type = (uint32_t)MEMBER(Phdr, p_type),
		.flags = (uint32_t)MEMBER(Phdr, p_flags),
		.offset = MEMBER(Phdr, p_offset),
		.address = MEMBER(Phdr, p_vaddr),
		.file_size = MEMBER(Phdr, p_filesz),
		.memory_size = MEMBER(Phdr, p_memsz),
		.alignment = MEMBER(Phdr, p_align),
	};
}
