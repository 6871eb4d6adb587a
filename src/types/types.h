/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The front door of types/: what each block is, and which containers hold it, from typed variables on.
 */
#pragma once

#include "containers/containers.h"
#include "references/references.h"
