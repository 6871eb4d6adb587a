/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two analyses side by side. Front door; the public header has the contract.
 *
 *	sameness.c	is it the same process, the same program, another build?
 *	sizes.c		blocks of each size, and how many of them are lost, in one pass over either heap
 *	side_facts.c	what captures tell beside the cores
 *	diff.c		the rows of both memory tables, the findings of growth, the verdict
 */
#pragma once

#include <heapcore/diff.h>
