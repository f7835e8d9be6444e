/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What configure --enable-tsan does, for a file that ThreadSanitizer watches and for no
 * other. If others told it of their spinlocks, it would have to keep more of them than
 * it can: TCG holds one for each page that a guest loads a kernel to.
 *
 * Meson's headers are read once, so that a file's own #include doesn't take it back.
 * The compiler's checks, which aren't QEMU's, don't find the header.
 */
#if __has_include("config-host.h")
#include "config-host.h"
#define CONFIG_TSAN
#endif
