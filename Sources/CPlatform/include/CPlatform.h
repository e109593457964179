// SPDX-License-Identifier: Apache-2.0
// Inline wrappers for what Glibc's Swift module does not export. No logic lives here.
#ifndef C_PLATFORM_H
#define C_PLATFORM_H

#include "CPlatformCRC32C.h"
#include "CPlatformCalls.h"
#include "CPlatformLinux.h"

#endif
