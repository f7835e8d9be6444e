#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A compiler that counts executions in the files before "--" only.
files=" "
while [ "$1" != -- ]; do
    files="$files$1 "
    shift
done
shift
for word; do
    case "$files" in
    *" $word "*) exec ccache gcc "$@" --coverage ;;
    esac
done
exec ccache gcc "$@"
