// SPDX-License-Identifier: Apache-2.0
// The target is header-only; SwiftPM wants one source file to make a module of it.
#include "CPlatform.h"
