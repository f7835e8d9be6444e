#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# only.sh FILE ARGUMENT...
#
# The compiler, by way of its cache. The first line of FILE is flags, the others are
# patterns. The flags are added when a source file is compiled that matches a pattern,
# and when programs are linked. They are taken out when another file is compiled, so
# that it is the same as in a build without them.
set -f
{
    read -r flags
    patterns=$(cat)
} < "$1"
shift
compiles=no
chosen=no
for word; do
    case $word in
    -c) compiles=yes ;;
    *.c)
        for pattern in $patterns; do
            # Unquoted: it is a pattern.
            case $word in
            $pattern) chosen=yes ;;
            esac
        done
        ;;
    esac
done
if [ $compiles = no ] || [ $chosen = yes ]; then
    exec ccache gcc "$@" $flags
fi
count=$#
while [ "$count" -gt 0 ]; do
    word=$1
    shift
    case " $flags " in
    *" $word "*) ;;
    *) set -- "$@" "$word" ;;
    esac
    count=$((count - 1))
done
exec ccache gcc "$@"
